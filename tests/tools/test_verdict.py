"""The verdict can be guilty: what a client was told is held against what is."""

import time
from dataclasses import replace

import pytest

from operations.audit.known import KnownTrip, Standing
from shared import BookVacationInput, Status
from tools.chaos.plan import errand
from tools.chaos.record import Record
from tools.chaos.verdict import told_wrong

ERRAND = replace(errand(1, 1), key="a key")
BOOKING_ID = f"trip-{1:032x}"
OTHER_ID = f"trip-{2:032x}"


def known(standing: Standing = Standing.BOOKED, booking_id: str = BOOKING_ID) -> KnownTrip:
    items = {f"book_{leg}_id": ERRAND.body[leg] for leg in ("car", "hotel", "flight")}
    trip = BookVacationInput(book_user_id="chaos-1-123456", name=ERRAND.name, **items)
    return KnownTrip(booking_id, trip, standing)


def told(*statuses: Status, key: str | None = "a key", booking_id: str = BOOKING_ID) -> Record:
    record = Record(replace(ERRAND, key=key))
    for status in statuses:
        answer = {"booking_id": booking_id, "user_id": "chaos-1-123456", "status": status}
        record.hear(answer, time.monotonic())
    return record


def problems(record: Record, *trips: KnownTrip) -> str:
    return "\n".join(told_wrong([record], {trip.booking_id: trip for trip in trips}))


def test_what_is_as_it_was_told_is_right() -> None:
    assert problems(told(Status.RUNNING, Status.BOOKED), known()) == ""
    assert problems(told(Status.CANCELLED), known(Standing.CANCELLED)) == ""
    asked_to_cancel = told(Status.BOOKED)
    asked_to_cancel.cancel_asked = True
    assert problems(asked_to_cancel, known(Standing.CANCELLED)) == ""


def test_a_request_without_key_and_without_answer_may_have_a_booking_or_none() -> None:
    assert problems(told(key=None)) == ""
    assert problems(told(key=None), known()) == ""


@pytest.mark.parametrize("record", [told(Status.BOOKED), told(Status.RUNNING, key=None), told()])
def test_a_lost_booking(record: Record) -> None:
    assert "its booking is lost" in problems(record)


def test_a_second_booking() -> None:
    assert "it has 2 bookings" in problems(told(Status.BOOKED), known(), known(booking_id=OTHER_ID))


def test_another_booking_than_was_told() -> None:
    assert "another booking" in problems(told(Status.BOOKED, booking_id=OTHER_ID), known())


@pytest.mark.parametrize(
    ("said", "standing"),
    [(Status.BOOKED, Standing.CANCELLED), (Status.CANCELLED, Standing.BOOKED)],
)
def test_another_outcome_than_was_told(said: Status, standing: Standing) -> None:
    assert f"it was told {said} last" in problems(told(said), known(standing))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Status.CANCELLED, Status.BOOKED),
        (Status.BOOKED, Status.CANCELLED),
        (Status.BOOKED, Status.RUNNING),
    ],
)
def test_an_outcome_that_changes(first: Status, then: Status) -> None:
    assert f"it was told {first}, and later {then}" in problems(told(first, then), known())


def test_no_outcome() -> None:
    assert "no outcome" in problems(told(Status.RUNNING), known(Standing.IN_PROGRESS))
    assert "never got an answer" in problems(told(), known())


def test_a_booking_that_nobody_asked_for() -> None:
    record = Record(replace(errand(1, 2), key=None))
    assert "never asked for" in problems(record, known())


def test_other_items_than_were_asked_for() -> None:
    trip = known()
    other = replace(trip, trip=trip.trip.model_copy(update={"book_car_id": "another"}))
    assert "other items" in problems(told(Status.BOOKED), other)
