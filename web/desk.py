"""The desk of staff: what needs them, and what they do about it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from flask import Blueprint, redirect, render_template, request, url_for
from pydantic import ValidationError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from bookings.attention import Cause, Wanted, queue, stuck
from bookings.audited import last_audit
from bookings.errors import NotStuck
from bookings.service import Bookings
from bookings.settling import settle, try_again
from runtime.staff_log import Act, NotWritten, staff_log_at
from runtime.texts import cleaned
from saga import Settlement
from settings import Settings
from shared import Leg
from web import wording
from web.access import require_staff
from web.refusals import BadFilter, NoStaffLog, NoteMissing

logger = logging.getLogger(__name__)


def create_blueprint(settings: Settings, bookings: Bookings) -> Blueprint:
    """The desk's routes; all of them are for staff only."""
    routes = Blueprint("desk", __name__, url_prefix="/desk")
    log = staff_log_at(settings.staff_log, settings.data_dir)

    @routes.before_request
    def refuse_clients() -> None:
        require_staff()

    @asynccontextmanager
    async def recorded(act: str, booking_id: str, note: str = "") -> AsyncIterator[None]:
        try:
            who = require_staff()
            async with log.recorded(Act(who=who, act=act, booking_id=booking_id, note=note)):
                yield
        except NotWritten as error:
            logger.error("%s. Nothing was done.", error)
            raise NoStaffLog from error

    async def stuck_leg(booking_id: str) -> Leg:
        """The leg that the form names, if its undo is stuck."""
        found = await bookings.find(booking_id, None)
        leg = request.form.get("leg", "")
        if leg not in stuck(found.booking):
            raise NotStuck
        return Leg(leg)

    @routes.get("")
    async def desk() -> str:
        try:
            wanted = Wanted.model_validate(request.args.to_dict())
        except ValidationError as error:
            raise BadFilter from error
        waiting, latest, audited = await asyncio.gather(
            queue(bookings, wanted),
            asyncio.to_thread(log.latest),
            asyncio.to_thread(last_audit, settings.data_dir),
        )
        return render_template(
            "desk.html",
            queue=waiting,
            latest=latest,
            audited=audited,
            now=datetime.now(UTC),
            legs=list(Leg),
            wanted=wanted,
            causes=list(Cause),
            wording=wording,
            stuck=stuck,
        )

    @routes.get("/suppliers/<leg>")
    def supplier(leg: str) -> str:
        if leg not in list(Leg):
            raise NotFound
        audited = last_audit(settings.data_dir)
        shelf = next((it for it in audited.shelves if it.leg == leg), None) if audited else None
        return render_template(
            "supplier.html",
            leg=leg,
            audited=audited,
            shelf=shelf,
            now=datetime.now(UTC),
            wording=wording,
        )

    @routes.post("/bookings/<booking_id>/settle")
    async def settle_leg(booking_id: str) -> AnyResponse:
        note = written()
        leg = await stuck_leg(booking_id)
        async with recorded(f"settle {leg}", booking_id, note):
            await settle(bookings.client, booking_id, Settlement(leg, require_staff(), note))
        return to_booking(booking_id)

    @routes.post("/bookings/<booking_id>/try-again")
    async def try_leg_again(booking_id: str) -> AnyResponse:
        leg = await stuck_leg(booking_id)
        async with recorded(f"try again {leg}", booking_id):
            await try_again(bookings.client, booking_id, leg)
        return to_booking(booking_id)

    @routes.post("/bookings/<booking_id>/cancel")
    async def cancel(booking_id: str) -> AnyResponse:
        note = written()
        await bookings.find(booking_id, None)
        async with recorded("cancel", booking_id, note):
            await bookings.cancel(booking_id, None, 0)
        return to_booking(booking_id)

    return routes


def written() -> str:
    """What staff wrote about an act.

    Raises:
        NoteMissing: Nothing of it can be seen.
    """
    if not (note := cleaned(request.form.get("note", ""))):
        raise NoteMissing
    return note


def to_booking(booking_id: str) -> AnyResponse:
    """Show the booking, where what became of the act is seen."""
    return redirect(url_for("bookings.booking", booking_id=booking_id), 303)
