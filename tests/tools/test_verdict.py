"""The verdict can be guilty: responses are compared with what is true."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from operations.audit.known import KnownTrip, Standing
from shared import BookVacationInput, Status
from tools.chaos.plan import errand
from tools.chaos.record import Record
from tools.chaos.verdict import contradicted, named_in

ERRAND = replace(errand(1, 1), key="a key")
BOOKING_ID = f"trip-{1:032x}"
OTHER_ID = f"trip-{2:032x}"


def known(standing: Standing = Standing.BOOKED, booking_id: str = BOOKING_ID) -> KnownTrip:
    items = {f"book_{leg}_id": ERRAND.body[leg] for leg in ("car", "hotel", "flight")}
    trip = BookVacationInput(book_user_id="chaos-1-123456", name=ERRAND.name, **items)
    return KnownTrip(booking_id, trip, standing)


def heard(*statuses: Status, key: str | None = "a key", booking_id: str = BOOKING_ID) -> Record:
    record = Record(replace(ERRAND, key=key))
    for status in statuses:
        answer = {"booking_id": booking_id, "user_id": "chaos-1-123456", "status": status}
        record.hear(answer, time.monotonic())
    return record


def problems(record: Record, *trips: KnownTrip) -> str:
    return "\n".join(contradicted([record], {trip.booking_id: trip for trip in trips}))


def test_true_responses_are_no_problem() -> None:
    assert problems(heard(Status.RUNNING, Status.BOOKED), known()) == ""
    assert problems(heard(Status.CANCELLED), known(Standing.CANCELLED)) == ""
    asked_to_cancel = heard(Status.BOOKED)
    asked_to_cancel.cancel_asked = True
    assert problems(asked_to_cancel, known(Standing.CANCELLED)) == ""


def test_a_request_without_key_or_response_may_have_a_booking_or_none() -> None:
    assert problems(heard(key=None)) == ""
    assert problems(heard(key=None), known()) == ""


def test_a_log_that_names_a_traveller(tmp_path: Path) -> None:
    log = tmp_path / "system.log"
    log.write_text(f"{BOOKING_ID}: car booked\n{BOOKING_ID}: {ERRAND.name} is told\n")
    [violation] = named_in(tmp_path, [heard()])
    assert f"{ERRAND.name} is told" in violation


@pytest.mark.parametrize("record", [heard(Status.BOOKED), heard(Status.RUNNING, key=None), heard()])
def test_a_lost_booking(record: Record) -> None:
    assert "its booking is lost" in problems(record)


def test_a_second_booking() -> None:
    assert "it has 2 bookings" in problems(
        heard(Status.BOOKED), known(), known(booking_id=OTHER_ID)
    )


def test_another_booking_than_in_the_response() -> None:
    assert "another booking" in problems(heard(Status.BOOKED, booking_id=OTHER_ID), known())


@pytest.mark.parametrize(
    ("last", "standing"),
    [(Status.BOOKED, Standing.CANCELLED), (Status.CANCELLED, Standing.BOOKED)],
)
def test_another_outcome_than_in_the_response(last: Status, standing: Standing) -> None:
    assert f"the last response was {last}" in problems(heard(last), known(standing))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Status.CANCELLED, Status.BOOKED),
        (Status.BOOKED, Status.CANCELLED),
        (Status.BOOKED, Status.RUNNING),
    ],
)
def test_an_outcome_that_changes(first: Status, then: Status) -> None:
    assert f"a response was {first}, and a later one {then}" in problems(
        heard(first, then), known()
    )


def test_no_outcome() -> None:
    assert "no outcome" in problems(heard(Status.RUNNING), known(Standing.IN_PROGRESS))
    assert "never got an outcome" in problems(heard(), known())


def test_a_booking_that_nobody_requested() -> None:
    record = Record(replace(errand(1, 2), key=None))
    assert "never requested" in problems(record, known())


def test_other_items_than_were_requested() -> None:
    trip = known()
    other = replace(trip, trip=trip.trip.model_copy(update={"book_car_id": "another"}))
    assert "other items" in problems(heard(Status.BOOKED), other)
