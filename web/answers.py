"""The answer to `POST /book`: the fields that clients know, and the booking's own beside them."""

from pydantic import BaseModel

from shared import BookingOutcome, Leg, LegOutcome, Status


class BookAnswer(BaseModel):
    """The documented answer; a cancelled trip has no `car`, `hotel` and `flight`."""

    cancelled: bool
    car: str | None = None
    hotel: str | None = None
    flight: str | None = None
    result: str
    user_id: str
    booking_id: str
    status: Status
    legs: list[LegOutcome]
    reason: str | None = None
    url: str


def book_answer(booking_id: str, user_id: str, outcome: BookingOutcome, url: str) -> BookAnswer:
    """Put an outcome into the words that clients already read."""
    items = {leg.leg: leg.item for leg in outcome.legs}
    booked = outcome.status is Status.BOOKED
    named = {leg.value: f"{leg.capitalize()}: {items[leg]}" for leg in Leg} if booked else {}
    result = (
        " ".join(f"Booked {leg}: {items[leg]}" for leg in Leg) if booked else "Voyage cancelled"
    )
    return BookAnswer(
        cancelled=not booked,
        result=result,
        user_id=user_id,
        booking_id=booking_id,
        status=outcome.status,
        legs=outcome.legs,
        reason=outcome.reason,
        url=url,
        **named,
    )
