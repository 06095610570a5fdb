"""The story of a booking: what happened to it and when, from its history."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from bookings.history import BUGS, LegStep, given_up, step_of, what_happened, words
from saga import Verb
from shared import (
    ALERT_SUFFIX,
    CANCEL_SUFFIX,
    OUTCOME_MEMO,
    BookingOutcome,
    Code,
    Leg,
    LegState,
    Status,
)


class EventKind(StrEnum):
    """What happened.

    `tried`: attempts failed, of which Temporal keeps the number and the last reason. `waiting`: the
    same, and the next attempt is still to come. `checking`, `checked`: the undo of a leg that was
    not booked.
    """

    RECEIVED = "received"
    BOOKING = "booking"
    TRIED = "tried"
    TRYING = "trying"
    WAITING = "waiting"
    BOOKED = "booked"
    REFUSED = "refused"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    CHECKING = "checking"
    CHECKED = "checked"
    CANCEL_REQUESTED = "cancel_requested"
    NEEDS_ATTENTION = "needs_attention"
    SETTLED = "settled"
    SUSPENDED = "suspended"
    NOTICE = "notice"
    ALERT = "alert"
    STOPPED = "stopped"
    ENDED = "ended"


NOT_BOOKED = {LegState.NOT_ATTEMPTED, LegState.REFUSED, LegState.FAILED}


class Event(BaseModel):
    """One event of a booking's story.

    `number` never changes, but for what is still going on. `state` is the leg's from then on, and
    `attempts` counts those so far. `seconds` is how long what happened took; `status` is that of
    the booking that has `ended`.
    """

    number: int = 0
    kind: EventKind
    at: datetime
    seconds: float | None = None
    leg: Leg | None = None
    state: LegState | None = None
    attempts: int | None = None
    status: Status | None = None
    code: Code | None = None
    reason: str | None = None
    next_attempt_at: datetime | None = None


class Story(BaseModel):
    """A booking's story, in the order of time."""

    booking_id: str
    events: list[Event]


def story_of(
    events: Iterable[HistoryEvent],
    pending: Iterable[PendingActivityInfo],
    before: Iterable[Event] = (),
) -> list[Event]:
    """The story of a workflow, which follows those of `before`; each event has the next number."""
    told = list(before)
    teller = Teller(told)
    found = [*teller.recorded(events), *teller.going_on(pending)]
    numbered = [
        event.model_copy(update={"number": number})
        for number, event in enumerate(found, len(told) + 1)
    ]
    return sorted([*told, *numbered], key=lambda event: event.at)


class Teller:
    """Turns a workflow's history into events; `before` tells in which states its legs are."""

    def __init__(self, before: list[Event]) -> None:
        self.states = {event.leg: event.state for event in before if event.leg}
        self.began: dict[int, tuple[LegStep, datetime]] = {}
        self.status = Status.RUNNING

    def recorded(self, events: Iterable[HistoryEvent]) -> Iterator[Event]:
        """The events of a history."""
        for event in events:
            at = event.event_time.ToDatetime(UTC)
            number, _ = what_happened(event)
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                attributes = event.activity_task_scheduled_event_attributes
                if step := step_of(attributes.activity_id):
                    self.began[number] = (step, at)
            if number in self.began:
                yield from self.of_step(event, number, at)
            else:
                yield from self.of_trip(event, at)

    def of_step(self, event: HistoryEvent, number: int, at: datetime) -> Iterator[Event]:
        """The event of a leg's step."""
        (leg, verb), since = self.began[number]
        seconds = (at - since).total_seconds()
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                yield self.scheduled(leg, verb, at)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                started = event.activity_task_started_event_attributes
                if started.attempt > 1:
                    yield Event(
                        kind=EventKind.TRIED,
                        at=at,
                        seconds=seconds,
                        leg=leg,
                        state=self.states[leg],
                        attempts=started.attempt - 1,
                        reason=words(started.last_failure),
                    )
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                yield self.completed(leg, verb, at, seconds)
            case _ if verb is not Verb.UNDO:
                failure = (
                    event.activity_task_failed_event_attributes
                    if event.HasField("activity_task_failed_event_attributes")
                    else event.activity_task_timed_out_event_attributes
                ).failure
                change = given_up(failure)
                self.states[leg] = change["state"]
                kind = EventKind(change["state"])
                yield Event(kind=kind, at=at, seconds=seconds, leg=leg, **change)

    def scheduled(self, leg: Leg, verb: Verb, at: datetime) -> Event:
        """The beginning of a step."""
        if verb is not Verb.UNDO:
            kind = EventKind.BOOKING
            self.states[leg] = LegState.BOOKING
        elif self.states.get(leg) in NOT_BOOKED:
            kind = EventKind.CHECKING
        else:
            kind = EventKind.UNDOING
            self.states[leg] = LegState.UNDOING
        return Event(kind=kind, at=at, leg=leg, state=self.states[leg])

    def completed(self, leg: Leg, verb: Verb, at: datetime, seconds: float) -> Event:
        """The success of a step."""
        if verb is not Verb.UNDO:
            kind = EventKind.BOOKED
            self.states[leg] = LegState.BOOKED
        elif self.states[leg] is LegState.UNDOING:
            kind = EventKind.UNDONE
            self.states[leg] = LegState.UNDONE
        else:
            kind = EventKind.CHECKED
        return Event(kind=kind, at=at, seconds=seconds, leg=leg, state=self.states[leg])

    def of_trip(self, event: HistoryEvent, at: datetime) -> Iterator[Event]:
        """The event of the whole trip, if it is one for travellers."""
        kind = None
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                started = event.workflow_execution_started_event_attributes
                cancels = started.workflow_id.endswith(CANCEL_SUFFIX)
                kind = EventKind.CANCEL_REQUESTED if cancels else EventKind.RECEIVED
                if not cancels:
                    self.states |= dict.fromkeys(Leg, LegState.NOT_ATTEMPTED)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
                kind = EventKind.CANCEL_REQUESTED
            case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                if event.workflow_task_failed_event_attributes.cause in BUGS:
                    kind = EventKind.SUSPENDED
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                child = event.child_workflow_execution_started_event_attributes
                name = child.workflow_execution.workflow_id
                if name.endswith(ALERT_SUFFIX):
                    kind = EventKind.ALERT
                elif "/notify-" in name:
                    kind = EventKind.NOTICE
            case EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
                changed = event.workflow_properties_modified_event_attributes.upserted_memo.fields
                if OUTCOME_MEMO in changed:
                    yield from self.published(changed[OUTCOME_MEMO].data, at)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
                booked = self.status is Status.RUNNING  # nothing was published before it ended
                status = Status.BOOKED if booked else Status.CANCELLED
                yield Event(kind=EventKind.ENDED, at=at, status=status)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
                yield Event(kind=EventKind.ENDED, at=at, status=Status.CANCELLED)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
                kind = EventKind.STOPPED
        if kind:
            yield Event(kind=kind, at=at)

    def published(self, memo: bytes, at: datetime) -> Iterator[Event]:
        """What a new outcome so far says that no other event does."""
        outcome = BookingOutcome.model_validate_json(memo)
        for leg in outcome.legs:
            if leg.state is LegState.SETTLED is not self.states.get(leg.leg):
                self.states[leg.leg] = leg.state
                yield Event(kind=EventKind.SETTLED, at=at, leg=leg.leg, state=leg.state)
        before, self.status = self.status, outcome.status
        if self.status is Status.NEEDS_ATTENTION is not before:
            yield Event(kind=EventKind.NEEDS_ATTENTION, at=at)

    def going_on(self, pending: Iterable[PendingActivityInfo]) -> Iterator[Event]:
        """What is being tried now, or waits for its next attempt."""
        for activity in pending:
            step = step_of(activity.activity_id)
            if step is None:
                continue
            waits = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
            failed = activity.HasField("last_failure")
            if waits and not failed:
                continue  # it has not been tried yet, and that it began is known
            at = activity.last_attempt_complete_time if waits else activity.last_started_time
            planned = activity.HasField("next_attempt_schedule_time") and waits
            yield Event(
                kind=EventKind.WAITING if waits else EventKind.TRYING,
                at=at.ToDatetime(UTC),
                leg=step.leg,
                state=self.states.get(step.leg),
                attempts=activity.attempt - waits,
                reason=words(activity.last_failure) if failed else None,
                next_attempt_at=activity.next_attempt_schedule_time.ToDatetime(UTC)
                if planned
                else None,
            )
