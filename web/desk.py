"""The desk of staff: what needs them, and what they do about it."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import Conflict, UnprocessableEntity
from werkzeug.wrappers import Response as AnyResponse

from bookings.listing import Filter
from bookings.reading import Booking
from bookings.service import Bookings
from bookings.settling import settle
from runtime.staff_log import staff_log_at
from saga import Settlement
from settings import Settings
from shared import Leg, LegState, Status
from suppliers.http import cleaned
from web import wording
from web.access import require_staff


class NotSettled(Conflict):
    """The leg cannot be settled, or could not be."""


class NoteMissing(UnprocessableEntity):
    """An act without words about it."""

    description = "Write in words what was done, such as: phoned the hotel, it is released."


def create_blueprint(settings: Settings, bookings: Bookings) -> Blueprint:
    """The desk's routes; all of them are for staff only."""
    routes = Blueprint("desk", __name__)
    log = staff_log_at(settings.staff_log, settings.data_dir)

    @routes.get("/desk")
    async def desk() -> str:
        require_staff()
        page = await bookings.page(Filter(status=Status.NEEDS_ATTENTION), None)
        waiting = [await bookings.read(it.booking_id, None) for it in page.bookings]
        waiting.sort(key=lambda booking: booking.started_at)
        return render_template(
            "desk.html", waiting=waiting, acts=log.latest(), wording=wording, stuck=stuck
        )

    @routes.post("/desk/bookings/<booking_id>/settle")
    async def settle_leg(booking_id: str) -> AnyResponse:
        who, note = require_staff(), cleaned(request.form.get("note", ""))
        if not note:
            raise NoteMissing
        found = await bookings.find(booking_id, None)
        leg = request.form.get("leg", "")
        if leg not in stuck(found.booking):
            raise NotSettled("Its undo is not stuck, so there is nothing to settle.")
        log.write(who, f"settle {leg}", booking_id, note)
        if problem := await settle(bookings.client, booking_id, Settlement(Leg(leg), who, note)):
            raise NotSettled(problem)
        return redirect(url_for("bookings.booking", booking_id=booking_id), 303)

    @routes.post("/desk/bookings/<booking_id>/cancel")
    async def cancel(booking_id: str) -> AnyResponse:
        who, note = require_staff(), cleaned(request.form.get("note", ""))
        if not note:
            raise NoteMissing
        await bookings.find(booking_id, None)
        log.write(who, "cancel", booking_id, note)
        await bookings.cancel(booking_id, None, 0)
        return redirect(url_for("bookings.booking", booking_id=booking_id), 303)

    return routes


def stuck(booking: Booking) -> list[Leg]:
    """The legs whose undo is stuck."""
    if booking.status is not Status.NEEDS_ATTENTION or booking.ended_at:
        return []
    return [leg.leg for leg in booking.legs if leg.state is LegState.UNDOING]
