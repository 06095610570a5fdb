"""What a client asks for: a trip to book, and how long it is willing to wait."""

import json
import re
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from bookings.names import user_id
from shared import BookVacationInput, Pace
from web.fields import Address, Attempts, Item, Name

FORM_KEY = "idempotency_key"
"""The form's hidden field that makes a double click one booking."""


KEY = '^("[!-~]{1,255}"|[!#-~][!-~]{0,254})$'
"""An `Idempotency-Key` header; only a quoted one can begin with a quote."""

UNREADABLE = "The body is not readable JSON: {}"
BAD_KEY = "The Idempotency-Key must be 1 to 255 visible ASCII characters."
BAD_WAIT = "The Prefer header's wait must be a number of seconds: wait=10."


class BookingRequest(BaseModel):
    """A trip to book: a car, a hotel and a flight for one traveller."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(description="The traveller.", examples=["John Doe"])]
    car: Annotated[Item, Field(description="The car to book.", examples=["valid-car-id"])]
    hotel: Annotated[Item, Field(description="The hotel to book.", examples=["valid-hotel-id"])]
    flight: Annotated[Item, Field(description="The flight to book.", examples=["valid-flight-id"])]
    attempts: Annotated[
        Attempts,
        Field(
            description="A rehearsal: each supplier is down before the attempt of this number. "
            "It may also come as a string.",
            examples=[5],
        ),
    ] = 1
    email: Annotated[
        Address | None,
        Field(description="Where to write when the trip has ended.", examples=["john@example.com"]),
    ] = None

    def trip(self, booking_id: str, owner: str, pace: Pace) -> BookVacationInput:
        """The workflow's input for this request."""
        return BookVacationInput(
            book_user_id=user_id(self.name, booking_id),
            book_car_id=self.car,
            book_hotel_id=self.hotel,
            book_flight_id=self.flight,
            attempts=self.attempts,
            name=self.name,
            email=self.email,
            owner=owner,
            pace=pace,
        )


def from_json(body: bytes) -> BookingRequest:
    """Read a JSON body.

    Raises:
        BadRequest: It is not JSON, or names a field twice.
        ValidationError: It is JSON, but not a valid request.
    """
    try:
        data = json.loads(body.decode(), object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(UNREADABLE.format(error)) from error
    return BookingRequest.model_validate(data)


def from_form(form: MultiDict[str, str]) -> BookingRequest:
    """Read the HTML form; an empty field counts as left out, and its own key is no field.

    Raises:
        BadRequest: It names a field twice.
        ValidationError: It is not a valid request.
    """
    if any(len(texts) > 1 for _, texts in form.lists()):
        raise BadRequest("The form names a field twice.")
    return BookingRequest.model_validate(
        {field: text for field, text in form.items() if text and field != FORM_KEY}
    )


def require_utf8(form: bytes) -> None:
    """Check what an HTML form was sent as: Werkzeug takes other bytes for some text all the same.

    Raises:
        BadRequest: It is not UTF-8.
    """
    try:
        unquote_to_bytes(form).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The form is not UTF-8.") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's fields; one named twice would be read differently by different readers."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is named twice")
    return fields


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def wait_seconds(prefer: str | None, limit: float) -> float:
    """How long to wait for the outcome: `Prefer: wait=N` (RFC 7240), and never over `limit`.

    Raises:
        BadRequest: The header asks to wait for something that is not a number of seconds.
    """
    for preference in (prefer or "").split(","):
        name, _, value = preference.split(";")[0].partition("=")
        if name.strip().lower() == "wait":
            if not re.fullmatch('"?[0-9]{1,6}"?', value.strip()):
                raise BadRequest(BAD_WAIT)
            return min(float(value.strip().strip('"')), limit)
    return limit


def idempotency_key(text: str | None) -> str | None:
    """The value of an `Idempotency-Key` header: 1 to 255 visible characters, bare or quoted.

    Raises:
        BadRequest: It is something else.
    """
    if text is None:
        return None
    if not re.fullmatch(KEY, text):
        raise BadRequest(BAD_KEY)
    return text[1:-1] if text.startswith('"') else text
