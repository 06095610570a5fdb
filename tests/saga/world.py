"""A saga's whole world for tests: real Temporal, a real worker, and suppliers that can go wrong."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistoryEventFilterType,
)
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities import Activities
from bookings.reading import Booking, find_booking
from bookings.search_attributes import search_attributes
from run_worker import make_worker
from saga_workflows import BookWorkflow, CancelWorkflow
from shared import (
    CANCEL_SUFFIX,
    OUTCOME_MEMO,
    TRIP_MEMO,
    BookingOutcome,
    BookVacationInput,
    Leg,
    Pace,
    Status,
)
from suppliers.mail import Mailer
from suppliers.sql import SqlSupplier

Call = Callable[[], None]
Fault = Callable[[Call], None]
Handle = WorkflowHandle[Any, BookingOutcome]

S = TypeVar("S", bound=SqlSupplier)

SANDBOX = SandboxedWorkflowRunner(
    # All but the workflows' own modules, which are loaded anew for every workflow and watched.
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "activities", "mail", "rehearsal", "shared", "suppliers"
    )
)

QUICK = Pace(first_retry=0.02, longest_retry=0.1, longest_undo_retry=0.1)


def down(_call: Call) -> None:
    """The supplier cannot be reached."""
    raise ConnectionError("the supplier is down")


def answer_lost(call: Call) -> None:
    """The supplier commits, and its answer gets lost."""
    call()
    raise ConnectionError("the answer was lost")


class Late:
    """The supplier is reached, and commits only when the test says so."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go = threading.Event()
        self.over = threading.Event()

    def __call__(self, call: Call) -> None:
        """Stand in for one call."""
        self.reached.set()
        assert self.go.wait(30), "the test never let the supplier go on"
        try:
            call()
        finally:
            self.over.set()


class FaultySupplier(SqlSupplier):
    """A SQL supplier whose next calls go wrong as planned; `always` holds for the calls after."""

    def __init__(self, url: str, leg: str) -> None:
        super().__init__(url, leg)
        self.on_reserve: list[Fault] = []
        self.on_release: list[Fault] = []
        self.always_on_reserve: Fault | None = None
        self.always_on_release: Fault | None = None
        self.about: dict[str, Fault] = {}

    def reserve(self, key: str, item: str, traveller: str) -> None:
        planned = self.on_reserve.pop(0) if self.on_reserve else self.always_on_reserve
        fault = self.about.get(item, planned)
        play(fault, lambda: super(FaultySupplier, self).reserve(key, item, traveller))

    def release(self, key: str) -> bool:
        fault = self.on_release.pop(0) if self.on_release else self.always_on_release
        held: list[bool] = []
        play(fault, lambda: held.append(super(FaultySupplier, self).release(key)))
        return any(held)

    def settle(self, key: str, note: str) -> None:
        play(self.always_on_release, lambda: super(FaultySupplier, self).settle(key, note))


def play(fault: Fault | None, call: Call) -> None:
    if fault:
        fault(call)
    else:
        call()


class AnyWorld(Generic[S]):
    """Bookings on a task queue of their own, and the three suppliers behind them."""

    def __init__(self, client: Client, folder: Path, make: Callable[[str, Leg], S]) -> None:
        self.client = client
        self.folder = folder
        self.task_queue = uuid4().hex
        self.suppliers = {leg: make(f"sqlite:///{folder / leg}.db", leg) for leg in Leg}
        self.activities = Activities(self.suppliers, None, Mailer("", "trips@example.com"))

    def worker(self, **changes: Any) -> Worker:
        """A worker on this world's queue, as the worker process has it but for the changes.

        Its workflows run in the sandbox, which the worker process goes without: a call that would
        not replay, as of the clock or of the network, fails here.
        """
        return make_worker(
            self.client, self.activities, self.task_queue, {"workflow_runner": SANDBOX, **changes}
        )

    async def start(
        self,
        pace: Pace = QUICK,
        booking_id: str = "",
        task_timeout: timedelta | None = None,
        **fields: Any,
    ) -> Handle:
        """Start a booking as the web process does."""
        trip = BookVacationInput(
            **{
                "book_user_id": "john-doe-123456",
                "book_car_id": "a car",
                "book_hotel_id": "a hotel",
                "book_flight_id": "a flight",
                "pace": pace,
                **fields,
            }
        )
        return await self.client.start_workflow(
            BookWorkflow.run,
            trip,
            id=booking_id or f"trip-{uuid4().hex}",
            task_queue=self.task_queue,
            memo={TRIP_MEMO: trip},
            search_attributes=search_attributes(trip, Status.RUNNING),
            task_timeout=task_timeout,
        )

    async def cancel_booked(self, handle: Handle) -> Handle:
        """Start the cancellation of a booked trip, as the web process does."""
        trip = await (await handle.describe()).memo_value(TRIP_MEMO, type_hint=BookVacationInput)
        return await self.client.start_workflow(
            CancelWorkflow.run,
            trip,
            id=handle.id + CANCEL_SUFFIX,
            task_queue=self.task_queue,
            memo={TRIP_MEMO: trip},
            search_attributes=search_attributes(trip, Status.UNDOING),
        )

    async def reset(self, handle: Handle, task: int = 4) -> Handle:
        """Reset a workflow, as the Web UI does; without a number, to the end of its first task."""
        run_id = (await handle.describe()).run_id
        await self.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=run_id),
                workflow_task_finish_event_id=task,
                request_id=run_id,
            )
        )
        return self.client.get_workflow_handle(handle.id, result_type=BookingOutcome)

    def held(self, handle: Handle) -> list[Leg]:
        """The legs that the suppliers hold for a booking; their books must agree."""
        for supplier in self.suppliers.values():
            assert all(item.consistent for item in supplier.stock())
        return [
            leg
            for leg, supplier in self.suppliers.items()
            for reservation in supplier.held()
            if reservation.key.startswith(handle.id)
        ]

    async def read(self, handle: Handle) -> Booking:
        """The booking as the web process reads it."""
        found = await find_booking(self.client, handle.id)
        assert found is not None
        return found.booking

    async def cancelled(self, handle: Handle) -> BookingOutcome:
        """The outcome that a booking closed as Canceled leaves in its memo."""
        await ended(handle)
        description = await handle.describe()
        assert description.status is WorkflowExecutionStatus.CANCELED
        outcome: BookingOutcome = await description.memo_value(
            OUTCOME_MEMO, type_hint=BookingOutcome
        )
        assert outcome.status is Status.CANCELLED
        return outcome

    def ledger(self, leg: Leg) -> list[tuple[str, str]]:
        """What a supplier's ledger says: each event, and its note."""
        with closing(sqlite3.connect(self.folder / f"{leg}.db")) as books:
            return list(books.execute("SELECT event, note FROM ledger ORDER BY id"))

    def close(self) -> None:
        for supplier in self.suppliers.values():
            supplier.close()


class World(AnyWorld[FaultySupplier]):
    """A world whose suppliers go wrong as a test plans it, call by call."""

    def __init__(self, client: Client, folder: Path) -> None:
        super().__init__(client, folder, FaultySupplier)

    @property
    def car(self) -> FaultySupplier:
        return self.suppliers[Leg.CAR]

    @property
    def hotel(self) -> FaultySupplier:
        return self.suppliers[Leg.HOTEL]

    @property
    def flight(self) -> FaultySupplier:
        return self.suppliers[Leg.FLIGHT]


async def ended(handle: WorkflowHandle[Any, Any], seconds: float = 90) -> None:
    """Wait until a workflow has closed, however it did."""
    async with asyncio.timeout(seconds):
        async for _ in handle.fetch_history_events(
            wait_new_event=True, event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
        ):
            return


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for something that a test caused to come true; a coroutine's value counts too."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        await asyncio.sleep(0.02)
