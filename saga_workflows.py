"""The saga: a trip's three legs are booked in sequence, and undone in reverse if one fails."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

with workflow.unsafe.imports_passed_through():
    from activities import Activities
    from notify_workflow import leave_notice
    from shared import (
        BOOKING_STATUS,
        CANCEL_SUFFIX,
        OUTCOME_MEMO,
        REFUSED,
        BookingOutcome,
        BookVacationInput,
        Leg,
        LegOrder,
        LegOutcome,
        LegState,
        Status,
        StepDone,
    )

LegActivity = Callable[[Activities, LegOrder], Awaitable[StepDone]]


class Step(NamedTuple):
    """A leg of the saga: what books it, and what undoes that."""

    leg: Leg
    book: LegActivity
    undo: LegActivity


STEPS = (
    Step(Leg.CAR, Activities.book_car, Activities.undo_book_car),
    Step(Leg.HOTEL, Activities.book_hotel, Activities.undo_book_hotel),
    Step(Leg.FLIGHT, Activities.book_flight, Activities.undo_book_flight),
)


@workflow.defn
class BookWorkflow:
    """Book a car, a hotel and a flight: the traveller gets all three, or none."""

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Book the trip, or undo it in full.

        Only a failed step or a cancellation starts the undo. Any other exception is a bug: it
        suspends the workflow, and the booking goes on when fixed code is deployed.
        """
        saga = Saga(trip)
        try:
            for step in STEPS:
                stop_if_cancelled()
                saga.undos.append(step)  # before the step: one that fails may still have booked
                await uncancellable(saga.book(step))
            stop_if_cancelled()
            await uncancellable(leave_notice(saga.booking_id, trip, saga.outcome(Status.BOOKED)))
            stop_if_cancelled()
            return saga.publish(Status.BOOKED)
        except (ActivityError, asyncio.CancelledError):
            await uncancellable(saga.undo_all())
            await uncancellable(leave_notice(saga.booking_id, trip, saga.outcome(Status.CANCELLED)))
            outcome = saga.publish(Status.CANCELLED)
            stop_if_cancelled()
            return outcome


@workflow.defn
class CancelWorkflow:
    """Cancel a booked trip: undo its three legs, with the same promises."""

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Undo the trip in full; a cancellation of the cancellation changes nothing."""
        saga = Saga(trip, LegState.BOOKED)
        saga.undos = list(STEPS)
        await uncancellable(saga.undo_all())
        await uncancellable(leave_notice(saga.booking_id, trip, saga.outcome(Status.CANCELLED)))
        return saga.publish(Status.CANCELLED)


class Saga:
    """One trip on its way: its legs as they stand, and the undos that are owed for them."""

    def __init__(self, trip: BookVacationInput, state: LegState = LegState.NOT_ATTEMPTED) -> None:
        self.booking_id = workflow.info().workflow_id.removesuffix(CANCEL_SUFFIX)
        self.trip = trip
        self.legs = {leg: LegOutcome(leg=leg, item=trip.item(leg), state=state) for leg in Leg}
        self.undos: list[Step] = []
        self.overdue: set[Leg] = set()
        self.reason: str | None = None

    async def book(self, step: Step) -> None:
        """Book one leg, retried until its deadline.

        Raises:
            ActivityError: The supplier refused it, or the deadline passed.
        """
        pace = self.trip.pace
        try:
            done = await workflow.execute_activity_method(
                step.book,
                self._order(step.leg),
                start_to_close_timeout=timedelta(seconds=pace.attempt_timeout),
                schedule_to_close_timeout=timedelta(seconds=pace.leg_deadline),
                heartbeat_timeout=timedelta(seconds=pace.heartbeat_timeout),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=pace.first_retry),
                    maximum_interval=timedelta(seconds=pace.longest_retry),
                ),
                summary=self._summary("Book", step.leg),
            )
        except ActivityError as error:
            self.legs[step.leg] = failed(self.legs[step.leg], error)
            self.reason = self.legs[step.leg].reason
            raise
        self._note(step.leg, state=LegState.BOOKED, attempts=done.attempt)

    async def undo_all(self) -> None:
        """Run every undo that is owed, in reverse order, until the last one is done.

        An undo that is not done within `undo_patience` needs attention; it goes on being retried
        while the next one starts.
        """
        self.reason = self.reason or cancellation_words()
        self.publish(Status.UNDOING)
        undoing = []
        for step in reversed(self.undos):
            undo = asyncio.create_task(self._undo(step))
            undoing.append(undo)
            await workflow.wait([undo], timeout=self.trip.pace.undo_patience)
            if not undo.done():
                self.overdue.add(step.leg)
                self.publish(Status.NEEDS_ATTENTION)
        await asyncio.gather(*undoing)

    async def _undo(self, step: Step) -> None:
        pace = self.trip.pace
        await workflow.execute_activity_method(
            step.undo,
            self._order(step.leg),
            start_to_close_timeout=timedelta(seconds=pace.attempt_timeout),
            heartbeat_timeout=timedelta(seconds=pace.heartbeat_timeout),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=pace.first_retry),
                maximum_interval=timedelta(seconds=pace.longest_undo_retry),
            ),
            summary=self._summary("Undo", step.leg),
        )
        if self.legs[step.leg].state is LegState.BOOKED:
            self._note(step.leg, state=LegState.UNDONE, reason=self.reason)
        if step.leg in self.overdue:
            self.overdue.discard(step.leg)
            self.publish(Status.NEEDS_ATTENTION if self.overdue else Status.UNDOING)

    def outcome(self, status: Status) -> BookingOutcome:
        """The trip as it stands."""
        return BookingOutcome(status=status, legs=list(self.legs.values()), reason=self.reason)

    def publish(self, status: Status) -> BookingOutcome:
        """Write the trip as it stands where readers find it without a worker's help."""
        outcome = self.outcome(status)
        if status is not Status.BOOKED:  # a booked trip's outcome is its workflow's result
            workflow.upsert_memo({OUTCOME_MEMO: outcome})
        if workflow.info().typed_search_attributes.get(BOOKING_STATUS):  # not every server has it
            workflow.upsert_search_attributes([BOOKING_STATUS.value_set(status)])
        return outcome

    def _order(self, leg: Leg) -> LegOrder:
        return self.trip.order(self.booking_id, leg)

    def _summary(self, verb: str, leg: Leg) -> str:
        return f"{verb} {leg} {self.trip.item(leg)} for {self.trip.book_user_id}"

    def _note(self, leg: Leg, **changes: Any) -> None:
        self.legs[leg] = self.legs[leg].model_copy(update=changes)


async def uncancellable(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, however often the workflow is cancelled meanwhile.

    One `asyncio.shield` is not enough: a cancellation would end the wait for it, and with it the
    workflow, while `work` still has undos to run. A cancellation is not lost: see
    `stop_if_cancelled`.
    """
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await workflow.wait([task])
        except asyncio.CancelledError:
            continue
    task.result()


def stop_if_cancelled() -> None:
    """Raise `CancelledError` once the workflow has been asked to cancel, at whatever moment."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


def cancellation_words() -> str:
    """Why a cancelled trip is undone, in a traveller's words."""
    said = workflow.cancellation_reason()
    return f"Cancelled by request: {said}" if said else "Cancelled by request."


def failed(leg: LegOutcome, error: ActivityError) -> LegOutcome:
    """A leg whose booking was given up, with what its attempts left behind."""
    state, reason = LegState.FAILED, f"The {leg.leg} service did not answer in time."
    attempts, cause = [0], error.cause
    if isinstance(cause, ActivityTimeout):  # it carries the failure of an earlier attempt, if any
        attempts += cause.last_heartbeat_details
        cause = cause.cause
    if isinstance(cause, ApplicationError):
        attempts += cause.details
        reason = cause.message
        state = LegState.REFUSED if cause.type == REFUSED else LegState.FAILED
    return leg.model_copy(update={"state": state, "attempts": max(attempts), "reason": reason})
