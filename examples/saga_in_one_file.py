# /// script
# requires-python = ">=3.11"
# dependencies = ["temporalio>=1.35,<2"]
# ///
"""Two sagas are cancelled while their hotel is being booked; one of them leaves a room behind.

Run it with `uv run`, or with `python` after `pip install temporalio`. It uses the Temporal CLI on
`PATH` or beside Python; without one, the SDK downloads its development server.
"""

import asyncio
import shutil
import sysconfig
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import activity, workflow
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

LEGS = ["car", "hotel", "flight"]
ATTEMPT = timedelta(seconds=10)


class Suppliers:
    """Three suppliers: what each holds, and a ledger of all that happened, in order."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.ledger: list[str] = []
        self.hotel_is_asked = asyncio.Event()
        self.hotel_answers = asyncio.Event()

    @activity.defn
    async def book(self, leg: str) -> None:
        """Book a leg; the hotel takes its time, and cannot be interrupted."""
        if leg == "hotel":
            self.hotel_is_asked.set()
            await self.hotel_answers.wait()
        self.held.add(leg)
        self.ledger.append(f"the {leg} is booked")

    @activity.defn
    async def undo(self, leg: str) -> None:
        """Undo a leg, or do nothing if it is not booked: it may be called in either case."""
        self.ledger.append(f"the {leg} is undone" if leg in self.held else f"no {leg} to undo")
        self.held.discard(leg)


@workflow.defn
class PublishedSaga:
    """As in https://docs.temporal.io/design-patterns/saga-pattern, Python tab, in November 2026.

    Written anew for a trip, after the page's source at temporalio/documentation@0217b71. It undoes
    in reverse, and registers each undo before its step, as it should. But the default cancellation
    type, TRY_CANCEL, ends the wait for a step while the step itself is still running; so its undo
    runs first, finds nothing, and then the step is done.
    """

    @workflow.run
    async def run(self) -> None:
        """Book the trip; on any error, undo it at once."""
        undos: list[Callable[[], Awaitable[None]]] = []
        try:
            for leg in LEGS:
                undos.append(partial(call, Suppliers.undo, leg))
                await call(Suppliers.book, leg)
        except Exception:
            for undo in reversed(undos):
                await undo()
            raise


@workflow.defn
class SafeSaga:
    """The same list and loop, with a rule for cancellation: it comes between steps, or not at all.

    Not shown here: a step that timed out may also be running still when it is undone. Against that,
    a supplier has to refuse a key that was released: a fence.
    """

    @workflow.run
    async def run(self) -> None:
        """Book the trip; if a step fails, or a cancellation was asked for, undo it."""
        begun: list[str] = []
        try:
            for leg in LEGS:
                raise_if_cancelled()
                begun.append(leg)  # before the step: one that fails may still have been done
                await uncancellable(call(Suppliers.book, leg))
            raise_if_cancelled()
        except (ActivityError, asyncio.CancelledError):  # anything else is a bug: it waits
            for leg in reversed(begun):
                await uncancellable(call(Suppliers.undo, leg))  # retried until it succeeds
            raise


def call(do: Callable[[Any, str], Awaitable[None]], leg: str) -> Coroutine[Any, Any, None]:
    """Run an activity for a leg."""
    return workflow.execute_activity_method(do, leg, start_to_close_timeout=ATTEMPT)


def raise_if_cancelled() -> None:
    """Raise `CancelledError` if a cancellation was asked for: a step may have swallowed it."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


async def uncancellable(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, however often the workflow is cancelled in the meantime.

    One `asyncio.shield` is not enough: a cancellation would end the wait for it.
    """
    task = asyncio.create_task(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await workflow.wait([task])
    task.result()


async def cancel_in_flight(env: WorkflowEnvironment, saga: type) -> None:
    """Cancel a saga while its hotel is being booked; print the ledger, and what is held."""
    suppliers, name = Suppliers(), saga.__name__
    activities = [suppliers.book, suppliers.undo]
    async with Worker(env.client, task_queue=name, workflows=[saga], activities=activities):
        handle = await env.client.start_workflow(name, id=f"trip-{name}", task_queue=name)
        await suppliers.hotel_is_asked.wait()
        await handle.cancel()
        with suppress(TimeoutError, WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 3)  # if it does not wait for the hotel
        suppliers.hotel_answers.set()
        with suppress(WorkflowFailureError):
            await handle.result()
    print(f"\n{name}, cancelled while the hotel was being booked:")
    print(*(f"  {line}" for line in suppliers.ledger), sep="\n")
    print(f"  => held in the end: {', '.join(sorted(suppliers.held)) or 'nothing'}")


async def main() -> None:
    """Start a development server, and cancel both sagas on it."""
    scripts = sysconfig.get_path("scripts")
    cli = shutil.which("temporal") or shutil.which("temporal", path=scripts)
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=cli) as env:
        for saga in (PublishedSaga, SafeSaga):
            await cancel_in_flight(env, saga)
    await asyncio.sleep(0.25)  # a quicker exit may crash: temporalio/sdk-python#300


if __name__ == "__main__":
    asyncio.run(main())
