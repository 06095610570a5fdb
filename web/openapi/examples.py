"""The examples in the API's description, built by the code and models of the real responses."""

from datetime import UTC, datetime, timedelta

from bookings.history import BookingLeg
from bookings.names import user_id
from bookings.reading import Booking
from shared import Code, Leg, LegState, Status
from web.answers import BookAnswer, book_answer
from web.scenarios import EXAMPLES

BOOKING_ID = "trip-7f3d9c1a5b2e4860a1c9d8e7f6b5a493"
URL = f"/bookings/{BOOKING_ID}"
NAME = "Jane Smith"
USER_ID = user_id(NAME, BOOKING_ID)
STARTED = datetime(2026, 11, 21, 9, 30, 0, 125000, tzinfo=UTC)
ENDED = STARTED + timedelta(seconds=1.75)

REQUEST = {"name": NAME, **{str(leg): item for leg, item in EXAMPLES.items()}}


def booking(
    status: Status, *states: LegState, code: Code | None = None, reason: str | None = None
) -> Booking:
    """A booking with its legs in these states; refused and undone legs have its reason."""
    why = {"code": code, "reason": reason}
    legs = [
        BookingLeg(
            leg=leg,
            item=EXAMPLES[leg],
            state=state,
            attempts=0 if state is LegState.NOT_ATTEMPTED else 1,
            **(why if state in {LegState.REFUSED, LegState.UNDONE} else {}),
        )
        for leg, state in zip(Leg, states, strict=True)
    ]
    return Booking(
        booking_id=BOOKING_ID,
        user_id=USER_ID,
        name=NAME,
        status=status,
        **why,
        legs=legs,
        started_at=STARTED,
        ended_at=ENDED if status.is_final else None,
    )


def result(ended: Booking) -> BookAnswer:
    """The response of `POST /book` once this booking has ended."""
    return book_answer(BOOKING_ID, USER_ID, ended.name, ended.outcome(), URL)


RUNNING = booking(Status.RUNNING, LegState.BOOKED, LegState.BOOKING, LegState.NOT_ATTEMPTED)
BOOKED = booking(Status.BOOKED, *[LegState.BOOKED] * 3)
REFUSED = booking(
    Status.CANCELLED,
    *(LegState.UNDONE, LegState.REFUSED, LegState.NOT_ATTEMPTED),
    code=Code.SOLD_OUT,
    reason=f'Hotel "{EXAMPLES[Leg.HOTEL]}" is sold out.',
)
CANCELLED = booking(
    Status.CANCELLED,
    *[LegState.UNDONE] * 3,
    code=Code.CANCELLED,
    reason="Cancelled by request.",
)
