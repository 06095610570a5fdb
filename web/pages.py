"""What a browser is shown: the same data as the API's, as pages."""

from collections.abc import Mapping

from flask import render_template

from shared import Leg, Status
from web.reading import Booking
from web.scenarios import SCENARIOS

FINAL = {Status.BOOKED, Status.CANCELLED}


def form_page(
    typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> str:
    """The booking form, with what was typed and what is wrong with it, by the name of the field."""
    return render_template(
        "form.html", legs=Leg, scenarios=SCENARIOS, typed=typed or {}, errors=errors or {}
    )


def booking_page(booking: Booking, ui: str) -> str:
    """A booking as it stands; `ui` is the address of its run in Temporal's Web UI."""
    return render_template("booking.html", booking=booking, ended=booking.status in FINAL, ui=ui)
