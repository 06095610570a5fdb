"""Nine published shapes of a saga, written anew for a trip, and ours.

Each has the one flaw that its docstring names; all else is as safe as in ours, so that what it
loses is lost by that flaw.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from examples.gallery.calls import book, undo
from examples.gallery.partners import LEGS, Order, Partners, Trip
from saga import FAILED, Options, Saga, Settleable, Step, raise_if_cancelled, uncancellable


@workflow.defn
class UndoAtOnce:
    """Any exception starts the undo, at once: also a cancellation, while a step is running."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                undos.append(leg)
                await book(trip, leg)
        except Exception:
            for leg in reversed(undos):
                await undo(trip, leg)
            return False
        return True


@workflow.defn
class CancelBetweenSteps:
    """Only a failed activity starts the undo; a cancellation between steps ends the workflow."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                undos.append(leg)
                await uncancellable(book(trip, leg))
            raise_if_cancelled()
        except ActivityError:
            for leg in reversed(undos):
                await uncancellable(undo(trip, leg))
            return False
        return True


@workflow.defn
class ShieldOnce:
    """The undo runs behind one shield: a cancellation ends the wait for it, and the rest."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                undos.append(leg)
                await uncancellable(book(trip, leg))
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(undos):
                await asyncio.shield(undo(trip, leg))
            return False
        return True


@workflow.defn
class UndoAfterSuccess:
    """A step gets its undo once it has succeeded; one whose answer was lost gets none."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                await uncancellable(book(trip, leg))
                undos.append(leg)
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(undos):
                await uncancellable(undo(trip, leg))
            return False
        return True


@workflow.defn
class SkipUnlessCompleted:
    """The undo is registered first, but skipped for a step that is not known to have completed."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos, completed = [], set()
        try:
            for leg in LEGS:
                raise_if_cancelled()
                undos.append(leg)
                await uncancellable(book(trip, leg))
                completed.add(leg)
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(undos):
                if leg in completed:
                    await uncancellable(undo(trip, leg))
            return False
        return True


@workflow.defn
class NoFence:
    """The workflow does all that it can; but its partners book what was undone before."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                undos.append(leg)
                await uncancellable(book(trip, leg))
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(undos):
                await uncancellable(undo(trip, leg))
            return False
        return True


@workflow.defn
class OneUndoStopsTheRest:
    """An undo has a limit of tries, and no one catches its failure: the next ones never begin."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                undos.append(leg)
                await uncancellable(book(trip, leg))
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(undos):
                await uncancellable(undo(trip, leg, tries=3))
            return False
        return True


@workflow.defn
class KeyMadeInTheStep:
    """Each attempt has a key of its own: it books again, and the undo cannot name the first one."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        keys: dict[str, str | None] = {}
        try:
            for leg in LEGS:
                raise_if_cancelled()
                keys[leg] = None
                keys[leg] = await uncancellable(book(trip, leg, Partners.book_with_new_key))
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(keys):
                await uncancellable(undo(trip, leg, key=keys[leg]))
            return False
        return True


@workflow.defn
class FailedUndoIsDone:
    """An undo that fails is logged, and the trip is reported as cancelled."""

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        undos = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                undos.append(leg)
                await uncancellable(book(trip, leg))
            raise_if_cancelled()
        except FAILED:
            for leg in reversed(undos):
                try:
                    await uncancellable(undo(trip, leg, tries=3))
                except ActivityError:
                    workflow.logger.info("The %s could not be undone", leg)
            return False
        return True


@workflow.defn
class Ours(Settleable):
    """`saga.py`, as it is."""

    @workflow.init
    def __init__(self, trip: Trip) -> None:
        self.saga = Saga(lambda: None, self._settled)
        times = Options(deadline=trip.seconds, attempt=trip.seconds, heartbeat=trip.seconds)
        self.options = times._replace(first_retry=0.05, longest_retry=0.2, longest_undo_retry=0.2)

    @workflow.run
    async def run(self, trip: Trip) -> bool:
        """Book the trip; true: it is booked."""
        try:
            for leg in LEGS:
                order = Order(trip.id, leg, f"{trip.id}:{leg}")
                step = Step(leg, Partners.book, Partners.undo, order, self.options)
                await self.saga.do(step)
        except FAILED:
            await self.saga.undo_all()
            return False
        return True

    async def _settled(self, step: Step) -> None:
        """Nobody settles anything here."""


WITHOUT_FENCE: set[type] = {UndoAtOnce, NoFence}
SHAPES: list[type] = [
    UndoAtOnce,
    CancelBetweenSteps,
    ShieldOnce,
    UndoAfterSuccess,
    SkipUnlessCompleted,
    NoFence,
    OneUndoStopsTheRest,
    KeyMadeInTheStep,
    FailedUndoIsDone,
    Ours,
]
