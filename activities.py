"""What a saga does in the world: book a leg, undo a leg, tell the traveller. One thin call each."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from bookings.notices import TooSoon, is_true
from runtime.logs import gist
from runtime.metrics import WorkerMetrics
from saga import NO_PLACE, REFUSED
from shared import Alert, Leg, LegOrder, Notice, SettledLeg, StepDone, code_of
from suppliers import Busy, Refused, Supplier
from suppliers.alerts import NOBODY, Staff, post
from suppliers.breaker import Breaker
from suppliers.bulkhead import Bulkhead, NoPlace
from suppliers.mail import Mailer, NotSent
from suppliers.rehearsal import Rehearsal, RehearsedFault

T = TypeVar("T")


class Shares(NamedTuple):
    """How many calls run at once, each kind apart, so that what is slow delays only itself.

    Each supplier has its own `calls` for booking and, so that an undo never waits behind them, its
    own `undos`; notices and settlements each have a few places.
    """

    calls: int = 16
    undos: int = 8
    notices: int = 4
    settlements: int = 6


SHARES = Shares()

LONGEST_PAUSE = 30.0
"""Seconds until an attempt that found its neighbour busy is made again."""

NO_ANSWER = "There was no answer in time."

DONE = {"book": "booked", "undo": "undone", "record": "recorded as settled"}
"""What the log says of a step, by the first word of its activity."""


class Activities:
    """The activities of a worker, with the suppliers and the mail server that they call.

    Args:
        suppliers: One for each leg.
        rehearsal: The faults that an order may ask for; None on a real service.
        mailer: What writes to travellers.
        shares: How many calls run at once.
        staff: Whom to tell what is wrong.
        metrics: What counts the calls.
    """

    def __init__(
        self,
        suppliers: Mapping[Leg, Supplier],
        rehearsal: Rehearsal | None,
        mailer: Mailer,
        shares: Shares = SHARES,
        staff: Staff = NOBODY,
        metrics: WorkerMetrics | None = None,
    ) -> None:
        self.suppliers = suppliers
        self.rehearsal = rehearsal
        self.mailer = mailer
        self.staff = staff
        self._metrics = metrics or WorkerMetrics()
        self._calls = {leg: Bulkhead(f"{leg} supplier", shares.calls) for leg in Leg}
        self._undos = {leg: Bulkhead(f"{leg} supplier", shares.undos) for leg in Leg}
        self._notices = Bulkhead("mail server", shares.notices)
        self._settlements = Bulkhead("supplier", shares.settlements)

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
            self.mail_staff,
            self.call_webhook,
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
        """Mail the outcome to the traveller, unless it is no longer the booking's."""
        async with self._telling("mail"):
            if await is_true(activity.client(), notice):
                await self._notices.run(notice.booking_id, self.mailer.send, notice)
                self._metrics.notice("mail", "sent")
                activity.logger.info("traveller told: %s", notice.outcome.status)

    @activity.defn
    async def mail_staff(self, alert: Alert) -> bool:
        """Mail an alert to staff; false if they have no address."""
        if self.staff.address:
            async with self._telling("alert"):
                await self._notices.run("staff", self.mailer.alert, alert, self.staff.address)
                self._metrics.notice("alert", "sent")
        return bool(self.staff.address)

    @activity.defn
    async def call_webhook(self, alert: Alert) -> bool:
        """Post an alert to the webhook of staff; false if they have none."""
        if self.staff.webhook:
            async with self._telling("alert"):
                await post(self.staff.webhook, alert, self.mailer.link(alert.booking_id))
                self._metrics.notice("alert", "sent")
        return bool(self.staff.webhook)

    @activity.defn
    async def record_settlement(self, settled: SettledLeg) -> StepDone:
        """Tell the supplier that an operator has settled a leg."""
        order = settled.order
        settle = self.suppliers[order.leg].settle
        return await step(order, self._settlements.run(order.leg, settle, order.key, settled.note))

    async def _reserve(self, order: LegOrder) -> None:
        with self._calling(order.leg, "book"):
            if self.rehearsal:
                await self.rehearsal.before_booking(order, attempt_at(order))
            reserve = self.suppliers[order.leg].reserve
            await self._calls[order.leg].run(
                order.item, reserve, order.key, order.item, order.traveller
            )

    async def _release(self, order: LegOrder) -> bool:
        with self._calling(order.leg, "undo"):
            if self.rehearsal:
                await self.rehearsal.before_undo(order)
            release = self.suppliers[order.leg].release
            return await self._undos[order.leg].run(order.item, release, order.key)

    @contextmanager
    def _calling(self, leg: Leg, call: str) -> Iterator[None]:
        try:
            with self._metrics.supplier_call(leg, call):
                yield
        finally:
            supplier = self.suppliers[leg]
            self._metrics.breaker(leg, isinstance(supplier, Breaker) and supplier.is_open)

    @asynccontextmanager
    async def _telling(self, kind: str) -> AsyncIterator[None]:
        """One try at sending a message; a failure is one line in the log, and names nobody.

        Raises:
            ApplicationError: It was not sent.
        """
        try:
            yield
        except (NoPlace, Busy, TooSoon) as busy:
            raise not_made(busy) from None
        except (NotSent, OSError, RPCError) as error:
            # Only the mailer's own text is known to name nobody.
            known = str(error) if isinstance(error, NotSent) else type(error).__name__
            why = getattr(error, "strerror", None)
            self._metrics.notice(kind, "failed")
            reason = f"{known}: {why}" if why else known
            activity.logger.warning("a message was not sent: %s", reason)
            raise ApplicationError(reason, category=ApplicationErrorCategory.BENIGN) from None


async def step(order: LegOrder, work: Coroutine[Any, Any, bool | None]) -> StepDone:
    """Do one attempt at a leg's work, and show Temporal meanwhile that this worker lives.

    Raises:
        ApplicationError: With words for people, and the number of the attempt as its detail.
            Type `Refused` is the supplier's last word; any other leaves the outcome unknown.
    """
    attempt = attempt_at(order)
    try:
        held = await with_heartbeats(work, attempt)
    except Refused as refusal:
        tell(order, f"refused: {code_of([type(refusal).__name__])}")
        raise ApplicationError(
            str(refusal),
            attempt,
            type=REFUSED,
            category=ApplicationErrorCategory.BENIGN,
        ) from refusal
    except (NoPlace, Busy) as busy:
        tell_failure(order, busy)
        raise not_made(busy, attempt) from busy
    except asyncio.CancelledError:
        if not activity.info().is_local:
            raise
        # The time of a first try is over, and its workflow no longer waits for it.
        tell(order, f"not {done()}: no answer at once")
        raise ApplicationError(NO_ANSWER, category=ApplicationErrorCategory.BENIGN) from None
    except RehearsedFault as fault:
        tell_failure(order, fault)
        raise ApplicationError(
            str(fault), attempt, category=ApplicationErrorCategory.BENIGN
        ) from fault
    except Exception as error:
        tell_failure(order, error, logging.WARNING)
        raise ApplicationError(
            f"{order.leg.capitalize()} service is down", attempt, type=type(error).__name__
        ) from error
    tell(order, done())
    return StepDone(attempt=attempt, held=bool(held))


def attempt_at(order: LegOrder) -> int:
    """The number of the attempt that runs; one in the workflow's own task is the first to book.

    Not every undo has such a try before it, and their numbers are for the log alone.
    """
    info = activity.info()
    tried = order.tried and info.activity_type.startswith("book") and not info.is_local
    return info.attempt + tried


def tell(order: LegOrder, words: str, level: int = logging.INFO) -> None:
    """Log what became of an attempt at a leg."""
    extra = {"leg": order.leg, "attempt": attempt_at(order)}
    activity.logger.log(level, "%s %s", order.leg, words, extra=extra)


def tell_failure(order: LegOrder, error: Exception, level: int = logging.INFO) -> None:
    """Log why an attempt failed; a supplier may have put into its text what the order names."""
    why = gist(error)
    for named in filter(None, (order.traveller, order.item)):
        why = why.replace(named, "…")
    tell(order, f"not {done()}: {why}", level)


def done() -> str:
    """What the log calls the activity that runs."""
    return DONE[activity.info().activity_type.partition("_")[0]]


def not_made(busy: NoPlace | Busy | TooSoon, *details: int) -> ApplicationError:
    """The failure of an attempt that was not made.

    The pause until the next one doubles each time, or those that wait for the same neighbour would
    together ask so often that Temporal had no time for anybody else.
    """
    pause = min(2.0 ** activity.info().attempt, LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311
    return ApplicationError(
        str(busy),
        *details,
        type=None if isinstance(busy, Busy) else NO_PLACE,
        next_retry_delay=timedelta(seconds=pause),
        category=ApplicationErrorCategory.BENIGN,
    )


async def with_heartbeats(work: Coroutine[Any, Any, T], attempt: int) -> T:
    """Wait for `work`; a heartbeat that stops lets another worker take over from a killed one."""
    if activity.info().is_local:  # its workflow's task is what another worker takes over
        return await work
    every = (activity.info().heartbeat_timeout or timedelta(seconds=3)) / 3
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait([task], timeout=every.total_seconds()))[0]:
            activity.heartbeat(attempt)
    finally:
        task.cancel()
    return task.result()
