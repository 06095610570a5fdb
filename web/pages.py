"""Pages: the API's data, rendered for browsers."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from flask import render_template, request, url_for

from bookings.events import Event
from bookings.history import Condition
from bookings.listing import BookingPage, Filter
from bookings.reading import Booking
from shared import Leg, Status
from web import story, wording
from web.picture import picture_of
from web.scenarios import EXAMPLES, LONG_TRIP, SCENARIOS, SUGGESTIONS


def form_page(
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    *,
    key: str,
    mail_folder: Path | None,
) -> str:
    """The booking form; what was typed and its errors are keyed by the field's name.

    `key` makes the form one trip, however often it is sent; each scenario's form adds a number.
    `mail_folder` is where mail is written to files instead of being sent.
    """
    return render_template(
        "form.html",
        examples=EXAMPLES,
        scenarios=SCENARIOS,
        suggestions=SUGGESTIONS,
        typed=typed or {},
        errors=errors or {},
        key=key,
        mail_folder=mail_folder,
    )


def booking_page(
    booking: Booking,
    events: list[Event],
    ui: str,
    *,
    mail_folder: Path | None,
    stuck: list[Leg],
) -> str:
    """A booking and its story; `ui` is the address of its run in Temporal's Web UI.

    `mail_folder` is where its mail is written to files instead of being sent. `stuck` are the legs
    that whoever sees it can settle.

    The page depends on the booking alone, so its `ETag` is stable: the script adds the clocks.
    """
    live = booking.ended_at is None
    return render_template(
        "booking.html",
        booking=booking,
        live=live,
        can_cancel=booking.status is Status.BOOKED
        or (booking.status is Status.RUNNING and booking.condition is not Condition.CANCELLING),
        due=wording.due(booking),
        picture=picture_of(booking.status, booking.legs),
        wording=wording,
        events=events,
        story=story,
        ui=ui,
        mail_folder=mail_folder,
        stuck=stuck,
    )


def list_page(page: BookingPage, wanted: Filter, *, searchable: bool) -> str:
    """A page of the list of bookings, with filters if the server is searchable."""
    first = url_for("bookings.listing", status=wanted.status, traveller=wanted.traveller or None)
    return render_template(
        "bookings.html",
        page=page,
        wanted=wanted,
        searchable=searchable,
        wording=wording,
        first=first if request.args.get("cursor") else None,
    )


def guide_page(data_dir: Path, *, key: str, break_it_url: str) -> str:
    """Ways to disturb a running booking; `key` makes the guide's form one trip.

    `break_it_url` is where buttons do the same, if anywhere.
    """

    def pid_files(programs: str) -> str:
        files = (data_dir.absolute() / f"{name}.pid" for name in programs.split())
        return shlex.join(map(str, files))

    return render_template(
        "guide.html", scenario=LONG_TRIP, pid_files=pid_files, key=key, break_it_url=break_it_url
    )
