"""A shop for tests: real Temporal, real workers, and books that can go wrong."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from examples.orders.activities import LIMIT, Activities, Books
from examples.orders.model import OPTIONS, Order, OrderOutcome, Status
from examples.orders.workflows import FollowUpWorkflow, OrderWorkflow
from saga import REFUSED, Options
from tests.saga.world import ended, until

Handle = WorkflowHandle[Any, OrderOutcome]
Call = Callable[[], Any]
Fault = Callable[[Call], None]

QUICK: dict[str, Any] = {"first_retry": 0.02, "longest_retry": 0.1, "longest_undo_retry": 0.1}
SHIPPED = ["taken", "confirmed", "picked", "packed", "labelled", "handed over"]


def down(_call: Call) -> None:
    """The books cannot be reached."""
    raise ConnectionError("The books are down.")


def answer_lost(call: Call) -> None:
    """The books are written, and the answer gets lost."""
    call()
    raise ConnectionError("The answer was lost.")


def refused(_call: Call) -> None:
    """The answer is no, for good."""
    raise ApplicationError("Not with us.", type=REFUSED)


class Late:
    """The books are reached, and written only when the test says so."""

    def __init__(self) -> None:
        self.reached, self.go, self.over = threading.Event(), threading.Event(), threading.Event()
        self.error: Exception | None = None

    def __call__(self, call: Call) -> None:
        """Stand in for one call."""
        self.reached.set()
        assert self.go.wait(30), "the test never let the books go on"
        try:
            call()
        except Exception as error:
            self.error = error
            raise
        finally:
            self.over.set()


class FaultyBooks(Books):
    """Books whose next writes of an event go wrong as planned; `always` holds for those after."""

    def __init__(self, file: Path, unit: str) -> None:
        super().__init__(file, unit)
        self.next: dict[str, list[Fault]] = defaultdict(list)
        self.always: dict[str, Fault] = {}

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement; only a write of an event has more than two values."""
        if len(values) <= 2:
            return super().run(statement, *values)
        event = values[1]
        planned = self.next[event]
        fault = planned.pop(0) if planned else self.always.get(event)
        if fault:
            fault(partial(super().run, statement, *values))
            return []
        return super().run(statement, *values)

    def set_capacity(self, unit: str, capacity: int) -> None:
        """Say how much there is of a unit."""
        self.run(LIMIT, unit, capacity)

    def events(self, order_id: str = "") -> list[str]:
        """What the ledger says has happened to an order, or to all of them, in that order."""
        rows = self.read("SELECT event FROM ledger WHERE key LIKE ? ORDER BY id", f"{order_id}%")
        return [event for (event,) in rows]

    def notes(self) -> set[str]:
        """The notes in the ledger."""
        return {note for (note,) in self.read("SELECT note FROM ledger")}

    def taken(self) -> dict[str, int]:
        """How much is taken of each unit; it has to be what the ledger says."""
        total = dict(self.read("SELECT unit, taken FROM total WHERE taken != 0"))
        counted = dict(
            self.read(
                "SELECT unit, sum(CASE event WHEN 'taken' THEN amount WHEN 'given back'"
                " THEN -amount ELSE 0 END) AS n FROM ledger GROUP BY unit HAVING n != 0"
            )
        )
        assert total == counted
        return total

    def read(self, statement: str, *values: Any) -> list[Any]:
        """Read, whatever faults are planned."""
        with closing(sqlite3.connect(self.file)) as db:
            return db.execute(statement, values).fetchall()


class Shop:
    """Orders on task queues of their own, and the books behind them."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.queue = uuid4().hex
        self.activities = Activities(folder)
        self.stock = FaultyBooks(folder / "stock.db", "?*")
        self.payments = FaultyBooks(folder / "payments.db", "[A-Z][A-Z][A-Z]")
        self.activities.stock, self.activities.payments = self.stock, self.payments

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[None]:
        """A worker of each pool, in the sandbox; `changes` are arguments of `Worker`."""
        a = self.activities
        with ThreadPoolExecutor(50) as executor:
            options: dict[str, Any] = {
                "workflows": [OrderWorkflow, FollowUpWorkflow],
                "activities": [a.reserve, a.release, a.confirm, a.ship, a.notify],
                "activity_executor": executor,
                **changes,
            }
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(
                    Worker(self.client, task_queue=self.queue, **options)
                )
                if options["activities"] and not options.get("no_remote_activities"):
                    pool = Worker(
                        self.client,
                        task_queue=f"{self.queue}-payments",
                        activities=[a.charge, a.refund],
                        activity_executor=executor,
                        interceptors=changes.get("interceptors", []),
                    )
                    await stack.enter_async_context(pool)
                yield

    def order(self, times: dict[str, Any] | None = None, **fields: Any) -> Order:
        """An order in which everything is quick; `times` change how each step is tried."""
        options = {name: Options(**QUICK | (times or {}))._asdict() for name in OPTIONS}
        options["payment"]["task_queue"] = f"{self.queue}-payments"
        quick: dict[str, Any] = {"part_seconds": 0, "slow_seconds": 0.5, "notify_seconds": 0.5}
        return Order(
            **{
                "order_id": f"order-{uuid4().hex}",
                "customer": "ann",
                "item": "mug",
                "amount": 1200,
                "options": options,
                **quick,
                **fields,
            }
        )

    async def place(self, times: dict[str, Any] | None = None, **fields: Any) -> Handle:
        """Place an order as the command line does, on this shop's queue."""
        order = self.order(times, **fields)
        return await self.client.start_workflow(
            OrderWorkflow.run,
            order,
            id=order.order_id,
            task_queue=self.queue,
            search_attributes=order.search_attributes(),
        )

    def events(self, handle: Handle) -> tuple[list[str], list[str]]:
        """What has happened to an order: in the stock, and in the payments."""
        return self.stock.events(handle.id), self.payments.events(handle.id)

    async def cancelled(self, handle: Handle) -> OrderOutcome:
        """The outcome that an order closed as Canceled leaves in its memo."""
        await ended(handle)
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
        outcome = await memo(handle)
        assert outcome is not None
        assert outcome.status is Status.CANCELLED
        return outcome

    async def reaches(self, handle: Handle, status: Status) -> None:
        """Wait until an order says that it has a status, in its memo and for searches."""

        async def reached() -> bool:
            described = await handle.describe()
            outcome = await memo(handle)
            found = described.typed_search_attributes
            return bool(outcome and outcome.status == status) and any(
                pair.value == status for pair in found
            )

        await until(reached)


async def memo(handle: WorkflowHandle[Any, Any]) -> OrderOutcome | None:
    """What an order says of itself so far."""
    outcome: OrderOutcome | None = await (await handle.describe()).memo_value(
        "outcome", None, type_hint=OrderOutcome
    )
    return outcome
