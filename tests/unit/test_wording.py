"""What pages say about a booking."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings.history import BookingLeg, Condition
from bookings.reading import Booking
from shared import Leg, LegState, Status
from web.wording import due, duration, what_happens

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
B, N, BOOKING, UNDOING = (
    LegState.BOOKED,
    LegState.NOT_ATTEMPTED,
    LegState.BOOKING,
    LegState.UNDOING,
)


def booking(status: Status, states: list[LegState], **leg: object) -> Booking:
    legs = [
        BookingLeg.model_validate({"leg": name, "item": "x", "state": state, **leg})
        for name, state in zip(Leg, states, strict=True)
    ]
    return Booking(
        booking_id="trip-1",
        user_id="ann-1",
        name="Ann",
        status=status,
        legs=legs,
        started_at=START,
    )


def with_condition(condition: Condition, *states: LegState) -> Booking:
    return booking(Status.RUNNING, list(states)).model_copy(update={"condition": condition})


@pytest.mark.parametrize(
    ("status", "states", "words"),
    [
        (Status.RUNNING, [N, N, N], "about to start"),
        (Status.RUNNING, [BOOKING, N, N], "Booking the car."),
        (Status.RUNNING, [B, N, N], "Starting the next step."),
        (Status.RUNNING, [B, B, B], "All three are booked."),
        (Status.UNDOING, [B, UNDOING, LegState.REFUSED], "Undoing the hotel"),
        (Status.NEEDS_ATTENTION, [UNDOING, UNDOING, N], "Undoing the car and the hotel is taking"),
        (Status.NEEDS_ATTENTION, [LegState.FAILED, N, N], "Undoing it is taking longer"),
        (Status.BOOKED, [B, B, B], "are yours"),
        (Status.CANCELLED, [LegState.UNDONE, N, N], "Nothing is booked, and nothing is held"),
        (Status.CANCELLED, [LegState.SETTLED, N, N], "Our staff settled by hand"),
    ],
)
def test_what_is_happening(status: Status, states: list[LegState], words: str) -> None:
    assert words in what_happens(booking(status, states))


@pytest.mark.parametrize(
    ("condition", "states", "words"),
    [
        (Condition.CANCELLING, [B, BOOKING, N], "Cancelling: the hotel is being finished first."),
        (Condition.CANCELLING, [B, N, N], "Cancelling: nothing more will be booked."),
        (Condition.SUSPENDED, [B, N, N], "A bug in our software has suspended it."),
        (Condition.STOPPED, [B, LegState.FAILED, N], "Nothing is being tried any more."),
    ],
)
def test_what_keeps_it_from_its_course(
    condition: Condition, states: list[LegState], words: str
) -> None:
    assert words in what_happens(with_condition(condition, *states))


def test_a_bug_is_not_taken_for_a_worker_that_is_down() -> None:
    assert due(with_condition(Condition.SUSPENDED, B, N, N)) is None


def test_when_the_next_step_is_due() -> None:
    later = START + timedelta(seconds=5)
    assert due(booking(Status.RUNNING, [N, N, N])) == START
    assert due(booking(Status.RUNNING, [BOOKING, N, N])) is None
    assert due(booking(Status.RUNNING, [BOOKING, N, N], next_attempt_at=later)) == later


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (3660, "1 h 1 min")],
)
def test_a_duration(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
