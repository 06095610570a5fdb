"""The naive service's activities: they print, and call no supplier."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from tools.bench.naive.shared import BookInput


def _book(kind: str, item: str) -> str:
    print(f"Booking {kind}: {item}")
    if "invalid" in item:
        raise ApplicationError(f"Invalid {kind} booking, rolling back!", non_retryable=True)
    return f"Booked {kind}: {item}"


def _undo(kind: str, item: str) -> str:
    print(f"Undoing booking of {kind}: {item}")
    return f"Undid {kind}: {item}"


@activity.defn
async def book_car(trip: BookInput) -> str:
    """Book the car."""
    return _book("car", trip.car)


@activity.defn
async def book_hotel(trip: BookInput) -> str:
    """Book the hotel."""
    return _book("hotel", trip.hotel)


@activity.defn
async def book_flight(trip: BookInput) -> str:
    """Book the flight."""
    return _book("flight", trip.flight)


@activity.defn
async def undo_book_car(trip: BookInput) -> str:
    """Undo the car."""
    return _undo("car", trip.car)


@activity.defn
async def undo_book_hotel(trip: BookInput) -> str:
    """Undo the hotel."""
    return _undo("hotel", trip.hotel)


@activity.defn
async def undo_book_flight(trip: BookInput) -> str:
    """Undo the flight."""
    return _undo("flight", trip.flight)
