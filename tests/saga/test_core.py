"""The saga core by itself, on a sale with a point of no return.

To copy it with `saga.py`, take `sale.py` along, and give it a fixture `client` of any server.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from saga import REFUSED, Options, Settlement, State, Status
from tests.saga.sale import Fault, Sale, Shop
from tests.saga.world import until

QUICK = Options(
    deadline=20, patience=20, first_retry=0.02, longest_retry=0.1, longest_undo_retry=0.1
)
IMPATIENT = QUICK._replace(patience=0.3)

Handle = WorkflowHandle[Any, dict[str, str]]


class Paused:
    """A call that waits until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.go.wait()


async def down() -> None:
    raise ConnectionError("nobody answers")


async def refuse() -> None:
    raise ApplicationError("We do not sell that.", type=REFUSED)


async def give_up() -> None:
    raise ApplicationError("It thinks that it never can.", non_retryable=True)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(params=[1000, 0], ids=["cached", "replayed"])
def cached(request: pytest.FixtureRequest) -> int:
    """How many workflows a worker remembers; with none, each task begins with a replay."""
    number: int = request.param
    return number


@asynccontextmanager
async def started(
    client: Client, shop: Shop, cached: int, options: Options = QUICK
) -> AsyncIterator[Handle]:
    queue = uuid4().hex
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Sale],
        activities=[shop.do, shop.undo],
        max_cached_workflows=cached,
    )
    async with asyncio.timeout(90), worker:
        yield await client.start_workflow(Sale.run, list(options), id=queue, task_queue=queue)


async def memo(handle: Handle, field: str) -> Any:
    return await (await handle.describe()).memo_value(field, None)


async def needs_attention(handle: Handle) -> bool:
    return bool(await memo(handle, "status") == Status.NEEDS_ATTENTION)


ALL = ["stock", "payment", "confirmation", "shipment"]


async def test_every_step_is_done(client: Client, shop: Shop, cached: int) -> None:
    async with started(client, shop, cached) as handle:
        assert await handle.result() == dict.fromkeys(ALL, "done")
    assert shop.done == ALL


async def test_a_refused_step_undoes_those_before_it(
    client: Client, shop: Shop, cached: int
) -> None:
    shop.always["payment"] = refuse
    async with started(client, shop, cached) as handle:
        assert await handle.result() == {"stock": "undone", "payment": "refused"}
        assert await memo(handle, "reason") == "We do not sell that."
    assert shop.done == []
    assert shop.undone == ["payment", "stock"]


async def test_a_first_pause_may_be_longer_than_the_longest(
    client: Client, shop: Shop, cached: int
) -> None:
    """Temporal takes no such policy, and the workflow would be suspended."""
    shop.faults["stock"] = [down]
    shop.always["payment"] = refuse
    options = QUICK._replace(first_retry=0.2)
    async with started(client, shop, cached, options) as handle:
        assert await handle.result() == {"stock": "undone", "payment": "refused"}
    assert shop.done == []


async def test_a_refused_pivot_undoes_all(client: Client, shop: Shop, cached: int) -> None:
    shop.faults["confirmation"] = [down, down]
    shop.always["confirmation"] = refuse
    async with started(client, shop, cached) as handle:
        story = await handle.result()
    assert story == {"stock": "undone", "payment": "undone", "confirmation": "refused"}
    assert shop.done == []


@pytest.mark.parametrize("fault", [down, give_up])
async def test_a_pivot_never_times_out_into_an_undo(
    client: Client, shop: Shop, cached: int, fault: Fault
) -> None:
    """Unknown, it is neither undone nor gone on from, and people learn of it."""
    shop.always["confirmation"] = fault
    async with started(client, shop, cached, QUICK._replace(deadline=1.5, patience=2)) as handle:
        await until(lambda: needs_attention(handle))
        assert shop.done == ["stock", "payment"]
        assert shop.undone == []
        del shop.always["confirmation"]
        await handle.result()
        assert await memo(handle, "status") == Status.COMMITTED
    assert shop.done == ALL


async def test_a_pivot_is_settled_as_done(client: Client, shop: Shop, cached: int) -> None:
    shop.always["confirmation"] = down
    async with started(client, shop, cached, IMPATIENT) as handle:
        await until(lambda: needs_attention(handle))
        await handle.execute_update(Sale.settle, Settlement("confirmation", "Ann", "phoned"))
        story = await handle.result()
        assert await memo(handle, "settled") == "Settled by Ann: phoned"
    assert story["confirmation"] == State.SETTLED
    assert story["shipment"] == State.DONE
    assert shop.undone == []


async def test_a_pivot_is_settled_as_not_done(client: Client, shop: Shop, cached: int) -> None:
    shop.always["confirmation"] = down
    async with started(client, shop, cached, IMPATIENT) as handle:
        await until(lambda: needs_attention(handle))
        not_done = Settlement("confirmation", "Ann", "they lost it", done=False)
        await handle.execute_update(Sale.settle, not_done)
        story = await handle.result()
        assert await memo(handle, "reason") == "Settled by Ann: they lost it"
    assert story == {"stock": "undone", "payment": "undone", "confirmation": "failed"}
    assert shop.done == []


async def test_only_what_is_stuck_can_be_settled(client: Client, shop: Shop, cached: int) -> None:
    paused = Paused()
    shop.faults["payment"] = [paused]
    shop.always["shipment"] = down
    async with started(client, shop, cached, IMPATIENT) as handle:
        await paused.reached.wait()
        for step in ("stock", "payment", "shipment"):
            with pytest.raises(WorkflowUpdateFailedError):
                await handle.execute_update(Sale.settle, Settlement(step, "Ann", "a mistake"))
        paused.go.set()
        await until(lambda: needs_attention(handle))
        not_done = Settlement("shipment", "Ann", "a mistake", done=False)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(Sale.settle, not_done)
        await handle.execute_update(Sale.settle, Settlement("shipment", "Ann", "sent by hand"))
        assert (await handle.result())["shipment"] == State.SETTLED


@pytest.mark.parametrize("fault", [down, refuse, give_up])
async def test_what_follows_the_pivot_is_tried_until_it_is_done(
    client: Client, shop: Shop, cached: int, fault: Fault
) -> None:
    shop.always["shipment"] = fault
    async with started(client, shop, cached, IMPATIENT) as handle:
        await until(lambda: needs_attention(handle))
        del shop.always["shipment"]
        assert await handle.result() == dict.fromkeys(ALL, "done")


@pytest.mark.parametrize("fault", [down, refuse, give_up])
async def test_an_undo_never_gives_up(
    client: Client, shop: Shop, cached: int, fault: Fault
) -> None:
    shop.always["confirmation"] = refuse
    shop.always["undo payment"] = fault
    async with started(client, shop, cached, IMPATIENT) as handle:
        await until(lambda: needs_attention(handle))
        await until(lambda: shop.done == ["payment"])  # the next undo has started
        del shop.always["undo payment"]
        await handle.result()
        assert await memo(handle, "status") == Status.UNDOING
    assert shop.done == []


@pytest.mark.parametrize("step", ["stock", "payment"])
async def test_a_cancel_before_the_pivot_undoes_all(
    client: Client, shop: Shop, cached: int, step: str
) -> None:
    paused = Paused()
    shop.faults[step] = [paused]
    async with started(client, shop, cached) as handle:
        await paused.reached.wait()
        await handle.cancel()
        paused.go.set()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    assert shop.done == []
    assert "confirmation" not in shop.undone


@pytest.mark.parametrize("step", ["confirmation", "shipment"])
async def test_a_cancel_during_or_after_the_pivot_changes_nothing(
    client: Client, shop: Shop, cached: int, step: str
) -> None:
    paused = Paused()
    shop.faults[step] = [paused]
    async with started(client, shop, cached) as handle:
        await paused.reached.wait()
        await handle.cancel()
        paused.go.set()
        assert await handle.result() == dict.fromkeys(ALL, "done")
    assert shop.undone == []
