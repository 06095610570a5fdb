"""Requests: the trip to book, the idempotency key, and how long the client waits."""

import json
import re
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field
from werkzeug.datastructures import MultiDict

from bookings.names import user_id
from shared import BookVacationInput, Pace
from web.fields import Address, Attempts, Item, Name
from web.refusals import BadKey, BadWait, FieldTwice, NotUtf8, Unreadable

FORM_KEY = "idempotency_key"
"""The hidden field of the form that makes a double click one booking."""


KEY = '^("[!-~]{1,255}"|[!#-~][!-~]{0,254})$'
"""The pattern of an `Idempotency-Key`; only a quoted one can start with a quote."""


class BookingRequest(BaseModel):
    """A trip to book: a car, a hotel and a flight for one traveller."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(description="The traveller.", examples=["Jane Smith"])]
    car: Annotated[Item, Field(description="The car to book.", examples=["compact car"])]
    hotel: Annotated[Item, Field(description="The hotel to book.", examples=["Grand Hotel"])]
    flight: Annotated[Item, Field(description="The flight to book.", examples=["morning flight"])]
    attempts: Annotated[
        Attempts,
        Field(
            description="For demos: each supplier fails until this attempt. A numeric string is "
            "accepted too.",
            examples=[5],
        ),
    ] = 1
    email: Annotated[
        Address | None,
        Field(description="Where to send the outcome.", examples=["jane@example.com"]),
    ] = None

    def trip(
        self, booking_id: str, owner: str, pace: Pace, queues: dict[str, str], *, keyed: bool
    ) -> BookVacationInput:
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
            queues=queues,
            keyed=keyed,
        )


def from_json(body: bytes) -> BookingRequest:
    """Parse a JSON body.

    Raises:
        Unreadable: It is not JSON, or has a field twice.
        ValidationError: It is JSON, but not a valid request.
    """
    try:
        data = json.loads(body.decode(), object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The body is not readable JSON: {error}") from error
    return BookingRequest.model_validate(data)


def from_form(form: MultiDict[str, str]) -> BookingRequest:
    """Parse the HTML form, without its key; browsers send empty fields, which count as absent.

    Raises:
        FieldTwice: It has a field twice.
        ValidationError: It is not a valid request.
    """
    if any(len(texts) > 1 for _, texts in form.lists()):
        raise FieldTwice
    return BookingRequest.model_validate(
        {field: text for field, text in form.items() if text and field != FORM_KEY}
    )


def require_utf8(form: bytes) -> None:
    """Check the encoding of an HTML form: Werkzeug would silently replace other bytes.

    Raises:
        NotUtf8: It is not UTF-8.
    """
    try:
        unquote_to_bytes(form).decode()
    except UnicodeDecodeError as error:
        raise NotUtf8 from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's fields; parsers disagree about duplicates, so they are an error."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field appears twice")
    return fields


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python parses but JSON does not allow."""
    raise ValueError(f"{name} is not JSON")


def wait_seconds(prefer: str | None, limit: float) -> float:
    """How long to wait for the outcome: `Prefer: wait=N` (RFC 7240), at most `limit`.

    Raises:
        BadWait: N is not a number of seconds.
    """
    for preference in (prefer or "").split(","):
        name, _, value = preference.split(";")[0].partition("=")
        if name.strip().lower() == "wait":
            if not re.fullmatch('"?[0-9]{1,6}"?', value.strip()):
                raise BadWait
            return min(float(value.strip().strip('"')), limit)
    return limit


def idempotency_key(text: str | None) -> str | None:
    """The key in an `Idempotency-Key` header: clients send it bare or quoted, so strip the quotes.

    Raises:
        BadKey: It is not 1 to 255 visible ASCII characters.
    """
    if text is None:
        return None
    if not re.fullmatch(KEY, text):
        raise BadKey
    return text[1:-1] if text.startswith('"') else text
