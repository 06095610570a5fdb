"""The story of a booking, from recorded histories."""

from datetime import UTC, datetime

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo

from bookings.events import Event, EventKind, story_of
from bookings.retelling import retold
from shared import Leg, LegState, Status
from tests.saga.histories import recorded
from web.story import details, words

STORIES = {name: story_of(*retold(it.events, [])) for name, it in recorded().items()}

BOOKS = "received booking:car booked:car booking:hotel booked:hotel booking:flight"
UNDOES = "checking:flight checked:flight undoing:hotel"
STUCK = f"{BOOKS} refused:flight {UNDOES} needs_attention undoing:car undone:car"

EXPECTED = {
    "alerted": "cancel_requested undoing:flight undone:flight undoing:hotel needs_attention "
    "undoing:car alert undone:car tried:hotel undone:hotel ended",
    "booked": f"{BOOKS} booked:flight ended",
    "first_tries_booked": f"{BOOKS} booked:flight ended",
    "first_try_in_vain": "received booking:car booked:car booking:hotel tried:hotel booked:hotel "
    "booking:flight booked:flight ended",
    "first_try_lost": f"{BOOKS} booked:flight ended",
    "first_try_refused": f"{BOOKS} refused:flight {UNDOES} undone:hotel undoing:car undone:car "
    "ended",
    "first_try_timed_out": "received booking:car booked:car booking:hotel tried:hotel booked:hotel "
    "booking:flight booked:flight ended",
    "booked_and_told": f"{BOOKS} booked:flight notice ended",
    "cancelled_in_flight": "received booking:car booked:car booking:hotel cancel_requested "
    "booked:hotel undoing:hotel undone:hotel undoing:car undone:car ended",
    "cancelled_when_booked": "cancel_requested undoing:flight undone:flight undoing:hotel "
    "undone:hotel undoing:car undone:car ended",
    "cancelled_while_undoing": f"{BOOKS} refused:flight {UNDOES} cancel_requested undone:hotel "
    "undoing:car undone:car ended",
    "needed_attention": f"{STUCK} tried:hotel undone:hotel ended",
    "past_its_deadline": "received booking:car booked:car booking:hotel tried:hotel failed:hotel "
    "checking:hotel checked:hotel undoing:car undone:car ended",
    "recovered_forward": "received booking:car booked:car booking:hotel tried:hotel booked:hotel "
    "booking:flight booked:flight ended",
    "refused": f"{BOOKS} refused:flight {UNDOES} undone:hotel undoing:car undone:car notice ended",
    "settled": f"{STUCK} settled:hotel ended",
}


BOOKED = {
    "booked",
    "booked_and_told",
    "first_tries_booked",
    "first_try_in_vain",
    "first_try_lost",
    "first_try_timed_out",
    "recovered_forward",
}


def name_of(event: Event) -> str:
    return f"{event.kind}:{event.leg}" if event.leg else event.kind


def test_every_recorded_history_has_its_story() -> None:
    told = {name: " ".join(map(name_of, events)) for name, events in STORIES.items()}
    assert told == EXPECTED


@pytest.mark.parametrize("events", STORIES.values(), ids=STORIES.keys())
def test_a_story_is_in_order_and_has_words(events: list[Event]) -> None:
    assert sorted(event.number for event in events) == [*range(1, len(events) + 1)]
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(words(event) for event in events)
    said = " ".join(words(event) + details(event) for event in events)
    assert "Ann" not in said
    assert "phoned" not in said


def test_what_is_known_of_many_attempts() -> None:
    [tried] = [it for it in STORIES["needed_attention"] if it.kind is EventKind.TRIED]
    assert (tried.leg, tried.attempts, tried.state) == (Leg.HOTEL, 5, LegState.UNDOING)
    assert words(tried) == "5 attempts at the hotel failed."
    assert details(tried) == "It took 0.4 s. Last failure: Hotel service is down"


def test_the_numbers_of_a_history_stay_as_it_grows() -> None:
    events = list(recorded()["settled"].events)
    whole = {it.number: it for it in STORIES["settled"]}
    for length in range(1, len(events)):
        for event in story_of(events[:length], []):
            assert whole[event.number] == event


def test_the_outcomes() -> None:
    assert {name: story[-1].status is Status.BOOKED for name, story in STORIES.items()} == {
        name: name in BOOKED for name in STORIES
    }


def test_a_cancellation_goes_on_with_the_numbers() -> None:
    both = story_of(recorded()["cancelled_when_booked"].events, [], STORIES["booked"])
    assert sorted(it.number for it in both) == [*range(1, 17)]
    assert both[-1].status is Status.CANCELLED


def test_a_step_that_is_being_tried() -> None:
    hotel = PendingActivityInfo(activity_id="undo:hotel", attempt=10_001)
    hotel.last_failure.message = "Hotel service is down"
    hotel.last_failure.application_failure_info.type = "ConnectionError"
    hotel.last_started_time.FromDatetime(datetime(2027, 1, 1, tzinfo=UTC))
    hotel.state = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    [waiting] = story_of([], [hotel])
    assert words(waiting) == "10000 attempts at the hotel failed."
    hotel.state = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    [trying] = story_of([], [hotel])
    assert words(trying) == "Attempt 10001 at the hotel is running."
