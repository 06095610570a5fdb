"""What a browser is shown: the same data as the API's, as pages."""

from collections.abc import Mapping

from flask import render_template, request, url_for

from bookings.listing import BookingPage, Filter
from bookings.reading import Booking
from shared import Leg, Status
from web import wording
from web.picture import picture_of
from web.scenarios import LONG_TRIP, SCENARIOS, SUGGESTIONS


def form_page(
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    *,
    key: str,
) -> str:
    """The booking form, with what was typed and what is wrong with it, by the name of the field.

    `key` makes one trip of the form, however often it is sent; each scenario's form adds a number.
    """
    return render_template(
        "form.html",
        legs=Leg,
        scenarios=SCENARIOS,
        suggestions=SUGGESTIONS,
        typed=typed or {},
        errors=errors or {},
        key=key,
    )


def booking_page(booking: Booking, ui: str) -> str:
    """A booking as it stands; `ui` is the address of its run in Temporal's Web UI.

    The same booking makes the same page, whenever that is: the script tells the time.
    """
    live = booking.ended_at is None
    return render_template(
        "booking.html",
        booking=booking,
        live=live,
        can_cancel=booking.status is Status.BOOKED or (live and booking.status is Status.RUNNING),
        due=wording.due(booking),
        picture=picture_of(booking.status, booking.legs),
        wording=wording,
        ui=ui,
    )


def list_page(page: BookingPage, wanted: Filter, *, searchable: bool) -> str:
    """A part of the list of bookings; it has filters where the server is searchable."""
    first = url_for("bookings.listing", status=wanted.status, traveller=wanted.traveller or None)
    return render_template(
        "bookings.html",
        page=page,
        wanted=wanted,
        searchable=searchable,
        wording=wording,
        first=first if request.args.get("cursor") else None,
    )


def guide_page(temporal_port: int, *, key: str) -> str:
    """Things to do to a booking while it runs; `key` makes one trip of the guide's form."""
    return render_template("guide.html", scenario=LONG_TRIP, temporal_port=temporal_port, key=key)
