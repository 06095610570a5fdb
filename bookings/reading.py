"""The state of a booking, read from Temporal alone: no worker has to be up."""

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel
from temporalio.api.enums.v1 import PendingWorkflowTaskState
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.service import RPCError

from bookings.calls import is_unknown
from bookings.decoding import decrypt
from bookings.errors import Stopped
from bookings.events import Event, story_of
from bookings.history import BookingLeg, Condition, condition_of, legs_so_far
from bookings.retelling import retold
from shared import (
    ALERT_SUFFIX,
    CANCEL_SUFFIX,
    OUTCOME_MEMO,
    TRIP_MEMO,
    BookingOutcome,
    BookVacationInput,
    Code,
    Leg,
    LegOutcome,
    LegState,
    Status,
)

Handle = WorkflowHandle[Any, BookingOutcome]


class Booking(BaseModel):
    """A booking, as `GET /bookings/<id>` returns it.

    `staff_told` is whether staff have been told of one that needs attention.
    """

    booking_id: str
    user_id: str
    name: str
    status: Status
    condition: Condition | None = None
    code: Code | None = None
    reason: str | None = None
    legs: list[BookingLeg]
    started_at: datetime
    ended_at: datetime | None = None
    staff_told: bool | None = None

    def outcome(self) -> BookingOutcome:
        """The outcome so far."""
        return BookingOutcome(
            status=self.status, legs=list(self.legs), code=self.code, reason=self.reason
        )


class Found(BaseModel):
    """A booking, and what only the service needs to know about it.

    `cancelling`: the trip was booked, and its cancellation has begun or ended.
    """

    booking: Booking
    trip: BookVacationInput
    events: list[Event]
    cancelling: bool = False


async def find_booking(client: Client, booking_id: str) -> Found | None:
    """Read one booking, including its cancellation if it was booked and then cancelled.

    The cancellation is enough: it may have been asked for shortly before Temporal forgot the rest.
    None if there is neither.
    """
    handle = client.get_workflow_handle(booking_id, result_type=BookingOutcome)
    cancel = client.get_workflow_handle(booking_id + CANCEL_SUFFIX, result_type=BookingOutcome)
    description = await describe(handle)
    cancelling = None if description else await describe(cancel)
    first = description or cancelling
    trip = await first.memo_value(TRIP_MEMO, None, type_hint=BookVacationInput) if first else None
    if first is None or trip is None:  # without a trip it is not a workflow of ours
        return None
    outcome, condition, events = (
        await outcome_so_far(handle, description, trip) if description else booked_before(trip)
    )
    if outcome.status is Status.BOOKED:
        cancelling = cancelling or await describe(cancel)
        if cancelling:
            cancelled, condition, events = await outcome_so_far(
                cancel, cancelling, trip, Known(outcome, None, events)
            )
            outcome = with_attempts_of(outcome, cancelled)
    last = cancelling or first
    booking = Booking(
        booking_id=booking_id,
        user_id=trip.book_user_id,
        name=trip.traveller,
        status=outcome.status,
        condition=condition,
        code=outcome.code,
        reason=outcome.reason,
        legs=[BookingLeg.model_validate(leg, from_attributes=True) for leg in outcome.legs],
        started_at=first.start_time,
        ended_at=last.close_time,
        staff_told=await were_told(client, handle.id)
        if outcome.status is Status.NEEDS_ATTENTION
        else None,
    )
    return Found(booking=booking, trip=trip, events=events, cancelling=cancelling is not None)


INTERRUPTED: dict[LegState, dict[str, Any]] = {
    state: {
        "state": LegState.FAILED,
        "code": Code.STOPPED,
        "reason": f"Stopped while it was being {verb}.",
    }
    for state, verb in ((LegState.BOOKING, "booked"), (LegState.UNDOING, "undone"))
}
"""What becomes of a leg that was in progress when its booking was stopped from outside."""


async def describe(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription | None:
    """Temporal's description of a workflow; None if there is none with that id."""
    try:
        return await handle.describe()
    except RPCError as error:
        if is_unknown(error):
            return None
        raise


async def were_told(client: Client, workflow_id: str) -> bool:
    """Whether staff have been told of a workflow that needs attention."""
    alert = client.get_workflow_handle(workflow_id + ALERT_SUFFIX, result_type=bool)
    description = await describe(alert)
    done = description and description.status is WorkflowExecutionStatus.COMPLETED
    return bool(done and await alert.result())


class Known(NamedTuple):
    """What is known of a workflow: the outcome so far, and its story.

    It has a condition if it is open, or was stopped from outside.
    """

    outcome: BookingOutcome
    condition: Condition | None
    events: list[Event]


async def outcome_so_far(
    handle: Handle,
    description: WorkflowExecutionDescription,
    trip: BookVacationInput,
    booked: Known | None = None,
) -> Known:
    """The outcome, from the result or memo of an ended workflow or the history of a running one.

    Args:
        handle: The workflow.
        description: Temporal's description of it.
        trip: Its input.
        booked: What it started from, if it cancels a booked trip.
    """
    known = await description.memo_value(OUTCOME_MEMO, None, type_hint=BookingOutcome)
    history = await handle.fetch_history()
    events, pending = retold(history.events, description.raw_description.pending_activities)
    await decrypt(description.data_converter, events, pending)
    story = story_of(events, pending, booked.events if booked else ())
    if description.status is WorkflowExecutionStatus.COMPLETED:
        result = events[-1].workflow_execution_completed_event_attributes.result.payloads
        [outcome] = await description.data_converter.decode(result, [BookingOutcome])
        return Known(outcome, None, story)
    if description.status is WorkflowExecutionStatus.CANCELED:
        return Known(known or never_begun(trip), None, story)
    legs = legs_so_far(booked.outcome.legs if booked else untouched(trip), events, pending)
    settled = {leg.leg: leg for leg in known.legs if leg.state is LegState.SETTLED} if known else {}
    begun = Status.UNDOING if booked else Status.RUNNING
    outcome = BookingOutcome(
        status=known.status if known else begun,
        code=known.code if known else None,
        reason=known.reason if known else None,
        legs=[settled.get(leg.leg, leg) for leg in legs],
    )
    if description.status is not WorkflowExecutionStatus.RUNNING:
        return Known(stopped_from_outside(outcome), Condition.STOPPED, story)
    if outcome.status is Status.RUNNING and may_book_unseen(description, trip):
        outcome = outcome.model_copy(update={"legs": [seen_as_booking(leg) for leg in legs]})
    condition = condition_of(events)
    if condition is Condition.CANCELLING and outcome.status is not Status.RUNNING:
        condition = None  # the undo has begun
    return Known(outcome, condition, story)


def may_book_unseen(description: WorkflowExecutionDescription, trip: BookVacationInput) -> bool:
    """Whether first tries may run, or have been lost, of which nothing is in the history yet."""
    task = description.raw_description.pending_workflow_task
    began = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED
    return trip.pace.first_try > 0 and (task.state == began or task.attempt > 1)


def seen_as_booking(leg: LegOutcome) -> LegOutcome:
    """A leg that may be booked by now, though nothing says so."""
    untouched = leg.state is LegState.NOT_ATTEMPTED
    return leg.model_copy(update={"state": LegState.BOOKING}) if untouched else leg


def with_attempts_of(booked: BookingOutcome, cancelled: BookingOutcome) -> BookingOutcome:
    """The outcome of a cancellation, with the booking's numbers of attempts."""
    legs = zip(booked.legs, cancelled.legs, strict=True)
    return cancelled.model_copy(
        update={"legs": [now.model_copy(update={"attempts": then.attempts}) for then, now in legs]}
    )


def untouched(trip: BookVacationInput) -> list[LegOutcome]:
    """The legs of a trip before any step has started."""
    return [LegOutcome(leg=leg, item=trip.item(leg)) for leg in Leg]


def booked_before(trip: BookVacationInput) -> Known:
    """The outcome of a trip of which only the cancellation is known."""
    legs = [leg.model_copy(update={"state": LegState.BOOKED}) for leg in untouched(trip)]
    return Known(BookingOutcome(status=Status.BOOKED, legs=legs), None, [])


def never_begun(trip: BookVacationInput) -> BookingOutcome:
    """The outcome of a booking that was cancelled before any worker picked it up."""
    return BookingOutcome(
        status=Status.CANCELLED,
        legs=untouched(trip),
        code=Code.CANCELLED,
        reason="Cancelled by request, before anything was booked.",
    )


def stopped_from_outside(outcome: BookingOutcome) -> BookingOutcome:
    """The outcome of a terminated booking: nothing undoes what it holds."""
    legs = [leg.model_copy(update=INTERRUPTED.get(leg.state, {})) for leg in outcome.legs]
    return BookingOutcome(
        status=Status.NEEDS_ATTENTION, legs=legs, code=Code.STOPPED, reason=Stopped.text
    )
