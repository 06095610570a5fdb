"""The answers that the description shows, made by the code and the models that answer."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from shared import BookingOutcome, Leg, LegOutcome, LegState, Status
from web.answers import book_answer
from web.history import BookingLeg
from web.listing import BookingPage, BookingSummary
from web.problems import FieldError, Problem
from web.reading import FINAL, Booking
from web.requests import user_id

BOOKING_ID = "trip-7f3d9c1a5b2e4860a1c9d8e7f6b5a493"
URL = f"/bookings/{BOOKING_ID}"
USER_ID = user_id("John Doe", BOOKING_ID)
STARTED = datetime(2026, 11, 21, 9, 30, 0, 125000, tzinfo=UTC)
ENDED = STARTED + timedelta(seconds=1.75)

REQUEST = {
    "name": "John Doe",
    "car": "valid-car-id",
    "hotel": "valid-hotel-id",
    "flight": "valid-flight-id",
}
REQUESTS = {
    "booked": ("All goes well", REQUEST),
    "retried": ("Each supplier is down four times", REQUEST | {"attempts": 5}),
    "refused": (
        "The hotel refuses, and the car is undone",
        REQUEST | {"hotel": "invalid-hotel-id"},
    ),
}

CANCEL = "Cancelled by request."
REFUSAL = "Invalid hotel booking, rolling back!"


def legs(
    car: LegState, hotel: LegState, flight: LegState, reason: str | None = None
) -> list[LegOutcome]:
    """The legs in these states; those that were refused or undone say why."""
    return [
        LegOutcome(
            leg=leg,
            item=f"{'in' if state is LegState.REFUSED else ''}valid-{leg}-id",
            state=state,
            attempts=int(state is not LegState.NOT_ATTEMPTED),
            reason=reason if state in {LegState.REFUSED, LegState.UNDONE} else None,
        )
        for leg, state in zip(Leg, (car, hotel, flight), strict=True)
    ]


BOOKED = BookingOutcome(status=Status.BOOKED, legs=legs(*[LegState.BOOKED] * 3))
REFUSED = BookingOutcome(
    status=Status.CANCELLED,
    legs=legs(LegState.UNDONE, LegState.REFUSED, LegState.NOT_ATTEMPTED, REFUSAL),
    reason=REFUSAL,
)
CANCELLED = BookingOutcome(
    status=Status.CANCELLED,
    legs=legs(LegState.UNDONE, LegState.UNDONE, LegState.UNDONE, CANCEL),
    reason=CANCEL,
)
RUNNING = BookingOutcome(
    status=Status.RUNNING,
    legs=legs(LegState.BOOKED, LegState.BOOKING, LegState.NOT_ATTEMPTED),
)
UNDOING = BookingOutcome(
    status=Status.UNDOING,
    legs=legs(LegState.BOOKED, LegState.UNDOING, LegState.UNDONE),
    reason=CANCEL,
)


def booking(outcome: BookingOutcome) -> Booking:
    """A booking with this outcome so far."""
    return Booking(
        booking_id=BOOKING_ID,
        user_id=USER_ID,
        status=outcome.status,
        reason=outcome.reason,
        legs=[BookingLeg.model_validate(leg, from_attributes=True) for leg in outcome.legs],
        started_at=STARTED,
        ended_at=ENDED if outcome.status in FINAL else None,
    )


def shown(summary: str, model: BaseModel) -> dict[str, Any]:
    """An example as OpenAPI writes it."""
    return {"summary": summary, "value": model.model_dump(mode="json", exclude_none=True)}


def answered(outcome: BookingOutcome) -> BaseModel:
    """What `POST /book` says of an outcome."""
    return book_answer(BOOKING_ID, USER_ID, outcome, URL)


BOOK_ANSWERS = {
    "booked": shown("All three are booked", answered(BOOKED)),
    "cancelled": shown("The hotel refused, and the car was undone", answered(REFUSED)),
}
CANCEL_ANSWERS = {"cancelled": shown("Nothing is booked any more", answered(CANCELLED))}
UNDOING_BOOKINGS = {"undoing": shown("The hotel is being undone", booking(UNDOING))}
RUNNING_BOOKINGS = {"running": shown("The hotel is being booked", booking(RUNNING))}
UNDOING_BOOKINGS = {"undoing": shown("The hotel is being undone", booking(UNDOING))}
BOOKINGS = RUNNING_BOOKINGS | {"booked": shown("All three are booked", booking(BOOKED))}
PAGES = {
    "page": shown(
        "One trip, and there are more",
        BookingPage(
            bookings=[
                BookingSummary(
                    booking_id=BOOKING_ID,
                    user_id=USER_ID,
                    status=Status.BOOKED,
                    items={leg.leg: leg.item for leg in BOOKED.legs},
                    started_at=STARTED,
                    ended_at=ENDED,
                )
            ],
            counts=dict(zip(Status, (0, 0, 0, 21, 4), strict=True)),
            next_cursor="3q2-7wECAwQFBgcICnsidG9rZW4iOiAxfQ==",
        ),
    )
}


INVALID = [FieldError(pointer="/attempts", detail="Input should be less than or equal to 10")]
PROBLEMS = {
    "unreadable": (400, "The body is not readable JSON: Expecting value: line 1 column 1 (char 0)"),
    "bad_key": (400, "The Idempotency-Key must be 1 to 255 visible ASCII characters."),
    "bad_wait": (400, "The Prefer header's wait must be a number of seconds: wait=10."),
    "bad_cursor": (
        400,
        "The cursor is not one that this list gave. Begin at its first page.",
    ),
    "no_token": (401, "Send your token: Authorization: Bearer <token>."),
    "other_site": (403, "This request comes from another site, and was refused."),
    "no_such_booking": (404, "There is no such booking."),
    "stopped": (409, "The booking was stopped from outside. Staff have to check what it holds."),
    "too_large": (413, "The data value transmitted exceeds the capacity limit."),
    "not_json": (415, "Send JSON, as Content-Type: application/json."),
    "invalid": (422, "The request is not valid; see `errors` for each field."),
    "key_used": (422, "This Idempotency-Key was used for another request."),
    "temporal_away": (503, "The booking service cannot reach Temporal. Try again soon."),
    "no_place": (503, "Too many requests are waiting for their bookings. Try again soon."),
}


def problem(name: str) -> dict[str, Any]:
    """One of the problems as it is answered."""
    status, detail = PROBLEMS[name]
    title = HTTPStatus(status).phrase
    errors = INVALID if name == "invalid" else None
    return shown(title, Problem(title=title, status=status, detail=detail, errors=errors))
