"""The legs of a running booking, from its history and its pending activities."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from temporalio.api.enums.v1 import EventType, PendingActivityState, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from saga import REFUSED, Verb
from shared import Leg, LegOutcome, LegState, code_of

BUGS = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
}
"""Why a workflow task fails again and again until the code is corrected."""


class Condition(StrEnum):
    """What keeps a booking from its normal course; most have none.

    `cancelling`: the running leg is finished first. `suspended`: by a bug, until it is fixed.
    `stopped`: from outside, and nothing is tried any more.
    """

    CANCELLING = "cancelling"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


class BookingLeg(LegOutcome):
    """A leg of a booking; the last two fields are about its pending step."""

    last_failure: str | None = None
    next_attempt_at: datetime | None = None


def legs_so_far(
    before: Iterable[LegOutcome],
    events: Iterable[HistoryEvent],
    pending: Iterable[PendingActivityInfo],
) -> list[BookingLeg]:
    """The current legs of a workflow that started with those in `before`."""
    legs = {leg.leg: BookingLeg.model_validate(leg, from_attributes=True) for leg in before}
    steps: dict[int, LegStep] = {}
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled = event.activity_task_scheduled_event_attributes
            if step := step_of(scheduled.activity_id):
                steps[event.event_id] = step
        number, change = what_happened(event)
        if number in steps:
            leg, verb = steps[number]
            update = undone(legs[leg], change) if verb is Verb.UNDO else change
            legs[leg] = legs[leg].model_copy(update=update)
    for activity in pending:
        if step := step_of(activity.activity_id):
            leg, verb = step
            update = being_tried(activity, undo=verb is Verb.UNDO)
            legs[leg] = legs[leg].model_copy(update=update)
    return list(legs.values())


def condition_of(events: Iterable[HistoryEvent]) -> Condition | None:
    """The condition of a workflow that is open."""
    asked = suspended = False
    for event in events:
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
                asked = True
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                suspended = False
            case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:  # only the first of several is written
                suspended = event.workflow_task_failed_event_attributes.cause in BUGS
    if suspended:
        return Condition.SUSPENDED
    return Condition.CANCELLING if asked else None


class LegStep(NamedTuple):
    """What an activity does: it books or undoes a leg."""

    leg: Leg
    verb: Verb


def step_of(activity_id: str) -> LegStep | None:
    """What an activity does, from the id that the saga gave it; None if it is not for a leg."""
    verb, _, name = activity_id.partition(":")
    return LegStep(Leg(name), Verb(verb)) if name in set(Leg) and verb in set(Verb) else None


def what_happened(event: HistoryEvent) -> tuple[int, dict[str, Any]]:
    """The id of the event that scheduled the step, and the changes to a leg being booked."""
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            return event.event_id, {"state": LegState.BOOKING}
        case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            return started.scheduled_event_id, {"attempts": started.attempt}
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            completed = event.activity_task_completed_event_attributes
            return completed.scheduled_event_id, {"state": LegState.BOOKED}
        case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            failed = event.activity_task_failed_event_attributes
            return failed.scheduled_event_id, given_up(failed.failure)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
            late = event.activity_task_timed_out_event_attributes
            return late.scheduled_event_id, given_up(late.failure)
        case _:
            return 0, {}


def undone(leg: BookingLeg, change: dict[str, Any]) -> dict[str, Any]:
    """An undo's changes to its leg; a leg that was never booked keeps its state."""
    match leg.state, change.get("state"):
        case LegState.BOOKED, LegState.BOOKING:
            return {"state": LegState.UNDOING}
        case LegState.UNDOING, LegState.BOOKED:
            return {"state": LegState.UNDONE}
        case _:
            return {}


def given_up(failure: Failure) -> dict[str, Any]:
    """The changes to a leg whose step has failed for good."""
    return {
        "state": LegState.REFUSED if is_refusal(failure) else LegState.FAILED,
        "code": code_of(types(failure)),
        "reason": words(failure),
    }


def is_refusal(failure: Failure) -> bool:
    """Whether it is a supplier's last word."""
    return failure.application_failure_info.type == REFUSED


def being_tried(activity: PendingActivityInfo, undo: bool) -> dict[str, Any]:
    """The changes to a leg whose step is running or waits for its next attempt."""
    waits = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    change: dict[str, Any] = {} if undo else {"attempts": activity.attempt - waits}
    if activity.HasField("last_failure"):
        change["last_failure"] = words(activity.last_failure)
    if waits:  # for the next attempt's time, or, after that, for a worker
        planned = activity.HasField("next_attempt_schedule_time")
        time = activity.next_attempt_schedule_time if planned else activity.scheduled_time
        change["next_attempt_at"] = time.ToDatetime(UTC)
    return change


def types(failure: Failure) -> list[str]:
    """The types of a failure and of its causes, where the worker itself reported them."""
    found = []
    while True:
        if failure.HasField("application_failure_info"):
            found.append(failure.application_failure_info.type)
        if not failure.HasField("cause"):
            return found
        failure = failure.cause


def words(failure: Failure) -> str:
    """The message of a failure; a timeout's cause, if known, says more than the timeout."""
    if failure.HasField("timeout_failure_info") and failure.HasField("cause"):
        failure = failure.cause
    if failure.HasField("application_failure_info"):
        return failure.message
    return "It did not respond in time."
