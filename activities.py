"""What a saga does in the world: book a leg, undo a leg, tell the traveller. One thin call each."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from saga import REFUSED
from shared import Leg, LegOrder, Notice, SettledLeg, StepDone
from suppliers import Refused, Supplier
from suppliers.mail import Mailer
from suppliers.rehearsal import Rehearsal, RehearsedFault


class Activities:
    """The activities of a worker, with the suppliers and the mail server that they call.

    Args:
        suppliers: One for each leg.
        rehearsal: The faults that an order may ask for; None on a real service.
        mailer: What tells travellers.
    """

    def __init__(
        self, suppliers: Mapping[Leg, Supplier], rehearsal: Rehearsal | None, mailer: Mailer
    ) -> None:
        self.suppliers = suppliers
        self.rehearsal = rehearsal
        self.mailer = mailer

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [
            self.book_car,
            self.undo_book_car,
            self.book_hotel,
            self.undo_book_hotel,
            self.book_flight,
            self.undo_book_flight,
            self.notify_traveller,
            self.record_settlement,
        ]

    @activity.defn
    async def book_car(self, order: LegOrder) -> StepDone:
        """Book the car."""
        return await step(order, self._reserve(order))

    @activity.defn
    async def undo_book_car(self, order: LegOrder) -> StepDone:
        """Undo the car."""
        return await step(order, self._release(order))

    @activity.defn
    async def book_hotel(self, order: LegOrder) -> StepDone:
        """Book the hotel."""
        return await step(order, self._reserve(order))

    @activity.defn
    async def undo_book_hotel(self, order: LegOrder) -> StepDone:
        """Undo the hotel."""
        return await step(order, self._release(order))

    @activity.defn
    async def book_flight(self, order: LegOrder) -> StepDone:
        """Book the flight."""
        return await step(order, self._reserve(order))

    @activity.defn
    async def undo_book_flight(self, order: LegOrder) -> StepDone:
        """Undo the flight."""
        return await step(order, self._release(order))

    @activity.defn
    async def notify_traveller(self, notice: Notice) -> None:
        """Mail the outcome to the traveller."""
        await asyncio.to_thread(self.mailer.send, notice)

    @activity.defn
    async def record_settlement(self, settled: SettledLeg) -> StepDone:
        """Tell the supplier that an operator has settled a leg."""
        order = settled.order
        supplier = self.suppliers[order.leg]
        return await step(order, asyncio.to_thread(supplier.settle, order.key, settled.note))

    async def _reserve(self, order: LegOrder) -> None:
        if self.rehearsal:
            await self.rehearsal.before_booking(order, activity.info().attempt)
        supplier = self.suppliers[order.leg]
        await asyncio.to_thread(supplier.reserve, order.key, order.item, order.traveller)

    async def _release(self, order: LegOrder) -> None:
        if self.rehearsal:
            await self.rehearsal.before_undo(order)
        await asyncio.to_thread(self.suppliers[order.leg].release, order.key)


async def step(order: LegOrder, work: Coroutine[Any, Any, None]) -> StepDone:
    """Do one attempt at a leg's work, and show Temporal meanwhile that this worker lives.

    Raises:
        ApplicationError: With words for people, and the number of the attempt as its detail.
            Type `Refused` is the supplier's last word; any other leaves the outcome unknown.
    """
    attempt = activity.info().attempt
    try:
        await with_heartbeats(work)
    except Refused as refusal:
        raise ApplicationError(
            str(refusal),
            attempt,
            type=REFUSED,
            category=ApplicationErrorCategory.BENIGN,
        ) from refusal
    except RehearsedFault as fault:
        raise ApplicationError(
            str(fault), attempt, category=ApplicationErrorCategory.BENIGN
        ) from fault
    except Exception as error:
        raise ApplicationError(
            f"{order.leg.capitalize()} service is down", attempt, type=type(error).__name__
        ) from error
    return StepDone(attempt=attempt)


async def with_heartbeats(work: Coroutine[Any, Any, None]) -> None:
    """Wait for `work`; a heartbeat that stops lets another worker take over from a killed one."""
    info = activity.info()
    every = (info.heartbeat_timeout or timedelta(seconds=3)) / 3
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait([task], timeout=every.total_seconds()))[0]:
            activity.heartbeat(info.attempt)
    finally:
        task.cancel()
    task.result()
