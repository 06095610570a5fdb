"""The trip on the saga: three legs are booked in sequence, and undone in reverse if one fails."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.exceptions import TimeoutError as ActivityTimeout
from temporalio.workflow import ParentClosePolicy

from activities import Activities
from saga import (
    FAILED,
    Options,
    Outcome,
    Saga,
    Settleable,
    State,
    Step,
    close_as_canceled_if_asked,
    raise_if_cancelled,
    uncancellable,
)
from shared import (
    ALERT_SUFFIX,
    BOOKING_STATUS,
    CANCEL_SUFFIX,
    FOLLOW_UP_MEMO,
    NOTIFY_SUFFIX,
    OUTCOME_MEMO,
    Alert,
    AlertKind,
    BookingOutcome,
    BookVacationInput,
    Code,
    Leg,
    LegOutcome,
    LegState,
    Notice,
    Pace,
    SettledLeg,
    Status,
    code_of,
)

FollowUp = TypeVar("FollowUp")

SETTLED = "Our staff made sure that nothing is booked."
"""The reason of a leg that an operator settled."""

ACTIVITIES = {
    Leg.CAR: (Activities.book_car, Activities.undo_book_car),
    Leg.HOTEL: (Activities.book_hotel, Activities.undo_book_hotel),
    Leg.FLIGHT: (Activities.book_flight, Activities.undo_book_flight),
}


@workflow.defn
class BookWorkflow(Settleable):
    """Book a car, a hotel and a flight: the traveller gets all three, or none."""

    @workflow.init
    def __init__(self, trip: BookVacationInput) -> None:
        self.trip = Trip(trip)
        self.saga = self.trip.saga

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Book the trip, or undo it in full."""
        try:
            if trip.adopted:
                self.saga.owe([self.trip.step(leg) for leg in Leg])
                return await self.trip.end(Status.BOOKED)
            for leg in Leg:
                await self.saga.do(self.trip.step(leg))
            return await self.trip.end(Status.BOOKED)
        except FAILED:
            await self.saga.undo_all()
            outcome = await self.trip.end(Status.CANCELLED)
            close_as_canceled_if_asked()
            return outcome


@workflow.defn
class CancelWorkflow(Settleable):
    """Cancel a booked trip: undo its three legs, with the same promises."""

    @workflow.init
    def __init__(self, trip: BookVacationInput) -> None:
        self.trip = Trip(trip)
        self.saga = self.trip.saga

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Undo the trip in full; a cancellation of the cancellation changes nothing."""
        self.saga.owe([self.trip.step(leg) for leg in Leg])
        await self.saga.undo_all()
        return await self.trip.end(Status.CANCELLED)


class Trip:
    """One trip with its saga: what is asked of each leg, and what readers find of it."""

    def __init__(self, trip: BookVacationInput) -> None:
        self.booking_id = workflow.info().workflow_id.removesuffix(CANCEL_SUFFIX)
        self.input = trip
        self.saga = Saga(self._changed, self._settled)
        self.alerting: asyncio.Task[None] | None = None

    def step(self, leg: Leg) -> Step:
        """The step that books a leg, and the one that undoes it."""
        book, undo = ACTIVITIES[leg]
        order = self.input.order(self.booking_id, leg)
        summary = f"{leg} {order.item} for {self.input.book_user_id}"
        return Step(leg, book, undo, order, options(self.input, leg), summary)

    async def end(self, status: Status) -> BookingOutcome:
        """Have the traveller notified, and publish the outcome.

        Raises:
            CancelledError: The trip was to end as booked, and a cancellation came before that.
        """
        await uncancellable(self._notify(status))
        if status is Status.BOOKED:
            raise_if_cancelled()
        return self._publish(status)

    def _changed(self) -> None:
        status = Status(self.saga.status)
        self._publish(status)
        # Bookings that began before staff were alerted have no alert in their histories.
        if status is Status.NEEDS_ATTENTION and workflow.patched("alert-staff"):
            legs = " and ".join(f"the {leg}" for leg in self.saga.unresolved)
            text = f"Undoing {legs} is taking longer than it should. It is still being tried."
            self.alerting = self.alerting or asyncio.create_task(
                alert_staff(AlertKind.NEEDS_ATTENTION, self.booking_id, text, self.input.pace)
            )

    def _publish(self, status: Status) -> BookingOutcome:
        """Write the trip as it is now where readers find it without a worker's help."""
        outcome = self._outcome(status)
        if status is not Status.BOOKED:  # a booked trip's outcome is its workflow's result
            workflow.upsert_memo({OUTCOME_MEMO: outcome})
        if workflow.info().typed_search_attributes.get(BOOKING_STATUS):  # not every server has it
            workflow.upsert_search_attributes([BOOKING_STATUS.value_set(status)])
        return outcome

    def _outcome(self, status: Status) -> BookingOutcome:
        legs = [self._leg(leg, self.saga.outcomes.get(leg, Outcome())) for leg in Leg]
        return BookingOutcome(status=status, legs=legs, code=self._code(), reason=self.saga.reason)

    def _leg(self, leg: Leg, outcome: Outcome) -> LegOutcome:
        booked = outcome.state is State.DONE
        return LegOutcome(
            leg=leg,
            item=self.input.item(leg),
            state=LegState.BOOKED if booked else LegState(outcome.state),
            attempts=attempts(outcome),
            code=self._code_of(outcome),
            # The operator's name and note are for the supplier's ledger.
            reason=SETTLED if outcome.state is State.SETTLED else outcome.reason,
        )

    def _code(self) -> Code | None:
        """Why the trip is not booked: because of its first leg that failed, or by request."""
        errors = [outcome.error for outcome in self.saga.outcomes.values() if outcome.error]
        if errors:
            return code_of(failures(errors[0]))
        return Code.CANCELLED if self.saga.reason else None

    def _code_of(self, outcome: Outcome) -> Code | None:
        match outcome.state:
            case State.SETTLED:
                return Code.SETTLED
            case State.UNDONE:
                return self._code()
        return code_of(failures(outcome.error)) if outcome.error else None

    async def _notify(self, status: Status) -> None:
        if self.input.email:
            name = self.input.name or self.input.book_user_id
            notice = Notice(
                booking_id=self.booking_id,
                name=name,
                email=self.input.email,
                outcome=self._outcome(status),
                pace=self.input.pace,
            )
            await leave_behind(
                NotifyWorkflow.run,
                notice,
                NOTIFY_SUFFIX.format(status),
                f"Notify {name}: {status}",
            )

    async def _settled(self, step: Step) -> None:
        """Have the supplier release the key for good, and keep a record of who settled it."""
        note = self.saga.outcomes[step.name].reason or ""
        settled = SettledLeg(
            order=step.order, note=note, pace=self.input.pace, queue=step.options.task_queue
        )
        await leave_behind(SettleWorkflow.run, settled, f"/settle-{step.name}", note)


@workflow.defn
class NotifyWorkflow:
    """Tell the traveller the outcome, retried until a deadline; given up, it ends as Failed.

    If the outcome is no longer the booking's when it could be sent, it is dropped.
    """

    @workflow.run
    async def run(self, notice: Notice) -> None:
        """Send the message.

        Raises:
            ActivityError: It was given up, and staff are alerted to tell the traveller themselves.
        """
        try:
            await workflow.execute_activity_method(
                Activities.notify_traveller,
                notice,
                start_to_close_timeout=timedelta(seconds=notice.pace.attempt_timeout),
                schedule_to_close_timeout=timedelta(seconds=notice.pace.notify_deadline),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=notice.pace.first_retry),
                    maximum_interval=timedelta(minutes=1),
                ),
                summary=f"Tell {notice.name}: {notice.outcome.status}",
            )
        except ActivityError:
            text = f"The traveller was not told that the trip is {notice.outcome.status}."
            workflow.upsert_memo({FOLLOW_UP_MEMO: f"{notice.booking_id}: {text}"})
            if workflow.patched("alert-staff"):  # as in `Trip`
                kind = AlertKind.NOT_NOTIFIED
                await alert_staff(kind, notice.booking_id, text, notice.pace)
            raise


@workflow.defn
class SettleWorkflow:
    """Write into a supplier's ledger that an operator settled a leg, once it can be reached."""

    @workflow.run
    async def run(self, settled: SettledLeg) -> None:
        """Record it, however long that takes."""
        await workflow.execute_activity_method(
            Activities.record_settlement,
            settled,
            task_queue=settled.queue,
            start_to_close_timeout=timedelta(seconds=settled.pace.attempt_timeout),
            heartbeat_timeout=timedelta(seconds=settled.pace.heartbeat_timeout),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=settled.pace.first_retry),
                maximum_interval=timedelta(seconds=settled.pace.longest_undo_retry),
            ),
            summary=settled.note,
        )


@workflow.defn
class AlertWorkflow:
    """Tell staff of a booking that needs them, by every way that is set up for it."""

    @workflow.run
    async def run(self, alert: Alert) -> bool:
        """Tell them, however long that takes; return whether there was anybody to tell."""
        ways: list[Callable[[Activities, Alert], Awaitable[bool]]] = [
            Activities.mail_staff,
            Activities.call_webhook,
        ]
        told = [
            workflow.start_activity_method(
                way,
                alert,
                start_to_close_timeout=timedelta(seconds=alert.pace.attempt_timeout),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=alert.pace.first_retry),
                    maximum_interval=timedelta(minutes=1),
                ),
                summary=alert.text,
            )
            for way in ways
        ]
        return any(await asyncio.gather(*told))


async def alert_staff(kind: AlertKind, booking_id: str, text: str, pace: Pace) -> None:
    """Leave an alert behind, at most one for this workflow."""
    alert_id = workflow.info().workflow_id + ALERT_SUFFIX
    alert = Alert(alert_id=alert_id, kind=kind, booking_id=booking_id, text=text, pace=pace)
    await leave_behind(AlertWorkflow.run, alert, ALERT_SUFFIX, text)


async def leave_behind(
    follow_up: Callable[[Any, FollowUp], Awaitable[Any]], arg: FollowUp, suffix: str, summary: str
) -> None:
    """Start a workflow that runs by itself; the booking waits only until it has started.

    Args:
        follow_up: The `run` of its class.
        arg: Its input.
        suffix: What its id adds to the id of this workflow.
        summary: What people see of it in Temporal's Web UI.
    """
    try:
        await workflow.start_child_workflow(
            follow_up,
            arg,
            id=workflow.info().workflow_id + suffix,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=summary,
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("%s was left behind before this workflow was reset.", suffix)


def options(trip: BookVacationInput, leg: Leg) -> Options:
    """How a leg is tried, and by the workers of which task queue."""
    pace = trip.pace
    return Options(
        deadline=pace.leg_deadline,
        attempt=pace.attempt_timeout,
        heartbeat=pace.heartbeat_timeout,
        patience=pace.undo_patience,
        first_retry=pace.first_retry,
        longest_retry=pace.longest_retry,
        longest_undo_retry=pace.longest_undo_retry,
        task_queue=trip.queues.get(leg),
    )


def failures(error: ActivityError) -> list[str]:
    """The types of an activity's last failure and of its causes."""
    found, cause = [], error.__cause__
    while cause:
        if isinstance(cause, ApplicationError):
            found.append(cause.type or "")
        cause = cause.__cause__
    return found


def attempts(outcome: Outcome) -> int:
    """How many attempts at a leg are known of.

    Each leaves its number behind: in its result, in its failure, or in its heartbeats.
    """
    if outcome.error is None:
        return outcome.result.attempt if outcome.result else 0
    numbers, cause = [0], outcome.error.cause
    if isinstance(cause, ActivityTimeout):  # it carries the failure of an earlier attempt, if any
        numbers += cause.last_heartbeat_details
        cause = cause.cause
    if isinstance(cause, ApplicationError):
        numbers += cause.details
    return max(numbers)
