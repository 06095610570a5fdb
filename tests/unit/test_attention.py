"""The queue of what needs staff, over fakes of Temporal and of the bookings in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from bookings.attention import SHOWN, Wanted, queue
from bookings.errors import NoLongerKept, NoSuchBooking
from bookings.events import Event, EventKind
from bookings.history import BookingLeg
from bookings.reading import Booking, Found
from bookings.service import Bookings
from shared import BookVacationInput, Leg, LegState, Status

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)

TRIP = BookVacationInput(
    book_user_id="user", book_car_id="car", book_hotel_id="hotel", book_flight_id="flight"
)


def stuck(number: int, since: datetime) -> Found:
    """A booking whose car cannot be undone."""
    booking = Booking(
        booking_id=f"trip-{number}",
        user_id="user",
        name=f"Traveller {number}",
        status=Status.NEEDS_ATTENTION,
        legs=[BookingLeg(leg=Leg.CAR, item="car", state=LegState.UNDOING)],
        started_at=NOON,
    )
    event = Event(kind=EventKind.NEEDS_ATTENTION, at=since)
    return Found(booking=booking, trip=TRIP, events=[event])


class FakeBookings:
    """Bookings that need attention, each stuck since its time; None means that it vanished."""

    def __init__(self, since: list[datetime | type[Exception]]) -> None:
        self.since = since
        self.client = SimpleNamespace(list_workflows=self.listed)

    async def searchable(self) -> bool:
        return True

    async def listed(self, query: str, **_: Any) -> AsyncIterator[Any]:
        if "TemporalReportedProblems" in query:
            return
        for number in range(len(self.since)):
            begun = NOON + timedelta(seconds=number)
            yield SimpleNamespace(id=f"trip-{number}", start_time=begun, close_time=None)

    async def find(self, booking_id: str, client: str | None) -> Found:
        number = int(booking_id.removeprefix("trip-"))
        since = self.since[number]
        if isinstance(since, datetime):
            return stuck(number, since)
        raise since


def over(*since: datetime | type[Exception]) -> Bookings:
    return cast(Bookings, FakeBookings(list(since)))


async def test_that_which_waited_longest_is_first_whenever_it_began() -> None:
    late_first = [NOON + timedelta(hours=50 - number) for number in range(30)]
    found = await queue(over(*late_first), Wanted())
    assert [it.since for it in found.waiting] == sorted(late_first)
    assert len(found.waiting) == 30
    assert found.more == 0


async def test_one_that_vanished_is_left_out() -> None:
    found = await queue(over(NOON, NoSuchBooking, NoLongerKept, NOON), Wanted())
    assert [it.booking.booking_id for it in found.waiting] == ["trip-0", "trip-3"]


async def test_of_too_many_the_rest_is_counted() -> None:
    found = await queue(over(*[NOON] * (SHOWN + 7)), Wanted())
    assert (len(found.waiting), found.more) == (SHOWN, 7)
