"""What a client asks for: a trip to book, and how long it is willing to wait."""

import hashlib
import json
import re
import secrets
import unicodedata
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from shared import BookVacationInput, Pace

FORM_KEY = "idempotency_key"
"""The form's hidden field that makes a double click one booking."""


def plain(text: str) -> str:
    """Text that people can see: not blank, and no control characters."""
    if not text.strip() or any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ValueError("must be visible text, without control characters")
    return text


def whole_number(value: Any) -> Any:
    """A number of attempts may also come as a numeric string; true and false are no numbers."""
    if isinstance(value, bool) or (
        isinstance(value, str) and not re.fullmatch("[0-9]{1,3}", value)
    ):
        raise ValueError("must be a whole number")
    return value


def address(text: str) -> str:
    """An address that a mail server would take; whether it exists, only a message can tell."""
    if not re.fullmatch(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,185}", text):
        raise ValueError("must be an e-mail address, such as jane@example.com")
    return text


Item = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(plain)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(plain)]


class BookingRequest(BaseModel):
    """The body of `POST /book`."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    car: Item
    hotel: Item
    flight: Item
    attempts: Annotated[int, Field(ge=1, le=10), BeforeValidator(whole_number)] = 1
    email: Annotated[str, AfterValidator(address)] | None = None

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
        raise BadRequest(f"The body is not readable JSON: {error}") from error
    return BookingRequest.model_validate(data)


def from_form(form: MultiDict[str, str]) -> BookingRequest:
    """Read the HTML form; an empty field counts as left out, and its own key is no field.

    Raises:
        ValidationError: It is not a valid request.
    """
    return BookingRequest.model_validate(
        {field: text for field, text in form.items() if text and field != FORM_KEY}
    )


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
                raise BadRequest("The Prefer header's wait must be a number of seconds: wait=10.")
            return min(float(value.strip().strip('"')), limit)
    return limit


def idempotency_key(text: str | None) -> str | None:
    """The value of an `Idempotency-Key` header: 1 to 255 visible characters, bare or quoted.

    Raises:
        BadRequest: It is something else.
    """
    if text is None:
        return None
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not re.fullmatch("[!-~]{1,255}", key):
        raise BadRequest("The Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return key


def booking_id_for(client: str, key: str | None) -> str:
    """A booking id that nobody can guess; the same for the same client and key."""
    if key is None:
        return f"trip-{secrets.token_hex(16)}"
    return f"trip-{hashlib.sha256(json.dumps([client, key]).encode()).hexdigest()[:32]}"


def user_id(name: str, booking_id: str) -> str:
    """What people call a booking: a slug of the name, and six digits that never change."""
    words = slug(name)[:40].strip("-")
    if not re.search("[a-z]", words):
        words = "traveller"
    digits = int(booking_id.removeprefix("trip-"), 16) % 900_000 + 100_000
    return f"{words}-{digits}"


def slug(text: str) -> str:
    """The ASCII letters and digits of a text, in lower case, with dashes between the words."""
    plain_ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain_ascii).strip("-")
