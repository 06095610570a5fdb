"""The saga: a trip's three legs are booked in sequence, and undone in reverse if one fails."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from saga_legs import STEPS, Step, Trip
from shared import BookingOutcome, BookVacationInput, Leg, LegState, Settlement, Status


class SagaWorkflow:
    """What both workflows let an operator do."""

    saga: "Saga"

    @workflow.update
    async def settle(self, settlement: Settlement) -> None:
        """Settle a leg whose undo is stuck: somebody has seen to it by other means."""
        self.saga.trip.settled[settlement.leg] = settlement

    @settle.validator
    def _can_settle(self, settlement: Settlement) -> None:
        if settlement.leg not in self.saga.trip.undoing:
            raise ApplicationError(
                f"The {settlement.leg} is not being undone: there is nothing to settle."
            )


@workflow.defn
class BookWorkflow(SagaWorkflow):
    """Book a car, a hotel and a flight: the traveller gets all three, or none."""

    @workflow.init
    def __init__(self, trip: BookVacationInput) -> None:
        self.saga = Saga(Trip(trip))

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Book the trip, or undo it in full.

        Only a failed step or a cancellation starts the undo. Any other exception is a bug: it
        suspends the workflow, and the booking goes on when fixed code is deployed.
        """
        saga = self.saga
        try:
            for step in STEPS:
                stop_if_cancelled()
                await saga.book(step)
            stop_if_cancelled()
            await uncancellable(saga.trip.notify(Status.BOOKED))
            stop_if_cancelled()
            return saga.trip.publish(Status.BOOKED)
        except (ActivityError, asyncio.CancelledError):
            await uncancellable(saga.undo_all())
            await uncancellable(saga.trip.notify(Status.CANCELLED))
            outcome = saga.trip.publish(Status.CANCELLED)
            stop_if_cancelled()
            return outcome


@workflow.defn
class CancelWorkflow(SagaWorkflow):
    """Cancel a booked trip: undo its three legs, with the same promises."""

    @workflow.init
    def __init__(self, trip: BookVacationInput) -> None:
        self.saga = Saga(Trip(trip, LegState.BOOKED))
        self.saga.undos = list(STEPS)

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Undo the trip in full; a cancellation of the cancellation changes nothing."""
        await uncancellable(self.saga.undo_all())
        await uncancellable(self.saga.trip.notify(Status.CANCELLED))
        return self.saga.trip.publish(Status.CANCELLED)


class Saga:
    """The undos that are owed for a trip: each is registered before its step, and all are run."""

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        self.undos: list[Step] = []
        self.overdue: set[Leg] = set()

    async def book(self, step: Step) -> None:
        """Book one leg.

        Raises:
            ActivityError: The leg was refused, or not booked in time.
        """
        self.undos.append(step)  # before the step: one that fails may still have booked
        await uncancellable(self.trip.book(step))

    async def undo_all(self) -> None:
        """Run every undo that is owed, in reverse order, until the last one is done.

        An undo that is not done within `undo_patience` needs attention; it goes on being retried
        while the next one starts.
        """
        self.trip.reason = self.trip.reason or cancellation_words()
        self.trip.publish(Status.UNDOING)
        undoing = []
        for step in reversed(self.undos):
            undo = asyncio.create_task(self._undo(step))
            undoing.append(undo)
            await workflow.wait([undo], timeout=self.trip.pace.undo_patience)
            if not undo.done():
                self.overdue.add(step.leg)
                self.trip.publish(Status.NEEDS_ATTENTION)
        await asyncio.gather(*undoing)

    async def _undo(self, step: Step) -> None:
        await self.trip.undo(step)
        if step.leg in self.overdue:
            self.overdue.remove(step.leg)
            self.trip.publish(Status.NEEDS_ATTENTION if self.overdue else Status.UNDOING)


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
