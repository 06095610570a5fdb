"""The response of `POST /book`: the legacy fields, and the booking's own."""

from pydantic import BaseModel

from shared import BookingOutcome, Code, Leg, LegOutcome, Status


class BookAnswer(BaseModel):
    """The response; a cancelled trip has no `car`, `hotel` and `flight`."""

    cancelled: bool
    car: str | None = None
    hotel: str | None = None
    flight: str | None = None
    result: str
    user_id: str
    name: str
    booking_id: str
    status: Status
    legs: list[LegOutcome]
    code: Code | None = None
    reason: str | None = None
    url: str


def book_answer(
    booking_id: str, user_id: str, name: str, outcome: BookingOutcome, url: str
) -> BookAnswer:
    """The legacy body of an outcome: existing clients compare these texts."""
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
        name=name,
        booking_id=booking_id,
        status=outcome.status,
        legs=outcome.legs,
        code=outcome.code,
        reason=outcome.reason,
        url=url,
        **named,
    )
