"""The legs of a running booking, from recorded histories cut at any event."""

import pytest
from temporalio.api.common.v1 import ActivityType
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from bookings.history import legs_so_far, step_of
from saga import Verb
from shared import Leg, LegOutcome, LegState
from tests.saga.histories import recorded

UNTOUCHED = [LegOutcome(leg=leg, item=f"a {leg}") for leg in Leg]
HISTORIES = recorded()
B, N, U = LegState.BOOKED, LegState.NOT_ATTEMPTED, LegState.UNDONE


def states(events: list[HistoryEvent], *pending: PendingActivityInfo) -> list[LegState]:
    return [leg.state for leg in legs_so_far(UNTOUCHED, events, pending)]


def until(name: str, activity_id: str, kind: str) -> list[HistoryEvent]:
    """The events of a recorded history, up to one of an activity."""
    kept: list[HistoryEvent] = []
    wanted = None
    for event in HISTORIES[name].events:
        kept.append(event)
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_id == activity_id:
            wanted = event.event_id
        if kind == "scheduled" and event.event_id == wanted:
            return kept
        details = event.activity_task_completed_event_attributes
        if kind == "completed" and wanted and details.scheduled_event_id == wanted:
            return kept
    raise AssertionError(f"{name} has no {kind} {activity_id}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("booked", [B, B, B]),
        ("recovered_forward", [B, B, B]),
        ("refused", [U, U, LegState.REFUSED]),
        ("past_its_deadline", [U, LegState.FAILED, N]),
        ("cancelled_in_flight", [U, U, N]),
    ],
)
def test_the_end_of_a_history(name: str, expected: list[LegState]) -> None:
    assert states(list(HISTORIES[name].events)) == expected


def test_a_history_in_the_middle() -> None:
    assert states(until("booked", "do:car", "scheduled")) == [LegState.BOOKING, N, N]
    assert states(until("booked", "do:car", "completed")) == [B, N, N]
    assert states(until("refused", "undo:hotel", "scheduled")) == [
        B,
        LegState.UNDOING,
        LegState.REFUSED,
    ]
    assert states(until("refused", "undo:hotel", "completed")) == [B, U, LegState.REFUSED]


@pytest.mark.parametrize("activity_id", ["1", "do:passport", "passport", "", "do:", "check:car"])
def test_an_activity_that_is_for_no_leg_is_passed_over(activity_id: str) -> None:
    scheduled = HistoryEvent(event_id=5, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    scheduled.activity_task_scheduled_event_attributes.activity_id = activity_id
    tried = PendingActivityInfo(
        activity_id=activity_id, activity_type=ActivityType(name="check_passport")
    )
    assert step_of(activity_id) is None
    assert states([scheduled], tried) == [N, N, N]


def test_a_step_that_is_being_tried() -> None:
    waiting = PendingActivityInfo(
        activity_id="do:hotel",
        attempt=4,
        state=PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
    )
    waiting.last_failure.message = "Hotel service is down"
    waiting.last_failure.application_failure_info.type = "ConnectionError"
    hotel = legs_so_far(UNTOUCHED, [], [waiting])[1]
    assert (hotel.attempts, hotel.last_failure) == (3, "Hotel service is down")
    assert step_of("undo:hotel") == (Leg.HOTEL, Verb.UNDO)
