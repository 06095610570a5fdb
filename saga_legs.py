"""The legs of a trip in a saga: how one is booked and undone, and what became of each."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from activities import Activities
from follow_ups import NotifyWorkflow, SettleWorkflow, leave_behind
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
    Notice,
    SettledLeg,
    Settlement,
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


class Trip:
    """One trip on its way, with its legs as they stand."""

    def __init__(self, trip: BookVacationInput, state: LegState = LegState.NOT_ATTEMPTED) -> None:
        self.booking_id = workflow.info().workflow_id.removesuffix(CANCEL_SUFFIX)
        self.input = trip
        self.pace = trip.pace
        self.legs = {leg: LegOutcome(leg=leg, item=trip.item(leg), state=state) for leg in Leg}
        self.undoing: set[Leg] = set()
        self.settled: dict[Leg, Settlement] = {}
        self.reason: str | None = None

    async def book(self, step: Step) -> None:
        """Book one leg, retried until its deadline.

        Raises:
            ActivityError: The supplier refused it, or the deadline passed.
        """
        try:
            done = await workflow.execute_activity_method(
                step.book,
                self.input.order(self.booking_id, step.leg),
                start_to_close_timeout=timedelta(seconds=self.pace.attempt_timeout),
                schedule_to_close_timeout=timedelta(seconds=self.pace.leg_deadline),
                heartbeat_timeout=timedelta(seconds=self.pace.heartbeat_timeout),
                retry_policy=self._retried(self.pace.longest_retry),
                summary=self._summary("Book", step.leg),
            )
        except ActivityError as error:
            self.legs[step.leg] = failed(self.legs[step.leg], error)
            self.reason = self.legs[step.leg].reason
            raise
        self._note(step.leg, state=LegState.BOOKED, attempts=done.attempt)

    async def undo(self, step: Step) -> None:
        """Undo one leg, retried without limit, until that is done or an operator settles it."""
        self.undoing.add(step.leg)
        undo = workflow.start_activity_method(
            step.undo,
            self.input.order(self.booking_id, step.leg),
            start_to_close_timeout=timedelta(seconds=self.pace.attempt_timeout),
            heartbeat_timeout=timedelta(seconds=self.pace.heartbeat_timeout),
            retry_policy=self._retried(self.pace.longest_undo_retry),
            summary=self._summary("Undo", step.leg),
        )
        await workflow.wait_condition(lambda: undo.done() or step.leg in self.settled)
        if not undo.done():
            undo.cancel()
            with suppress(ActivityError):
                await undo
            await self._settle(step.leg, self.settled[step.leg])
        elif self.legs[step.leg].state is LegState.BOOKED:
            self._note(step.leg, state=LegState.UNDONE, reason=self.reason)
        self.undoing.remove(step.leg)

    async def notify(self, status: Status) -> None:
        """Have the traveller told of the outcome, if there is an address."""
        if self.input.email:
            name = self.input.name or self.input.book_user_id
            notice = Notice(
                booking_id=self.booking_id,
                name=name,
                email=self.input.email,
                outcome=self.outcome(status),
                pace=self.pace,
            )
            await leave_behind(
                NotifyWorkflow.run, notice, f"notify-{status}", f"Tell {name}: {status}"
            )

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

    async def _settle(self, leg: Leg, settlement: Settlement) -> None:
        note = f"Settled by {settlement.who}: {settlement.why}"
        self._note(leg, state=LegState.SETTLED, reason=note)
        order = self.input.order(self.booking_id, leg)
        settled = SettledLeg(order=order, note=note, pace=self.pace)
        await leave_behind(SettleWorkflow.run, settled, f"settle-{leg}", note)

    def _retried(self, longest: float) -> RetryPolicy:
        return RetryPolicy(
            initial_interval=timedelta(seconds=self.pace.first_retry),
            maximum_interval=timedelta(seconds=longest),
        )

    def _summary(self, verb: str, leg: Leg) -> str:
        return f"{verb} {leg} {self.input.item(leg)} for {self.input.book_user_id}"

    def _note(self, leg: Leg, **changes: Any) -> None:
        self.legs[leg] = self.legs[leg].model_copy(update=changes)


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
