"""A cancellation undoes all before the confirmation; after it, the answer says: too late."""

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from examples.orders.model import Status
from saga import State
from tests.orders.shop import SHIPPED, Handle, Late, Shop, down, refused
from tests.saga.world import until

UNCACHED = {"max_cached_workflows": 0}


@pytest.mark.parametrize("options", [{}, UNCACHED])
@pytest.mark.parametrize("step", ["stock", "payment"])
async def test_before_the_confirmation(shop: Shop, step: str, options: dict[str, Any]) -> None:
    late = Late()
    books = {"stock": shop.stock, "payment": shop.payments}[step]
    books.next["taken"] = [late]
    async with shop.open(**options):
        handle = await shop.place()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel(reason="changed my mind")
        late.go.set()
        outcome = await shop.cancelled(handle)
    assert outcome.reason == "Cancelled by request: changed my mind"
    assert outcome.steps[step].state is State.UNDONE
    assert books.events(handle.id) == ["taken", "given back"]
    assert (shop.stock.taken(), shop.payments.taken()) == ({}, {})


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_while_the_confirmation_is_in_flight(shop: Shop, options: dict[str, Any]) -> None:
    late = Late()
    shop.stock.next["confirmed"] = [late]
    async with shop.open(**options):
        handle = await shop.place()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        outcome = await handle.result()
    assert (outcome.status, outcome.too_late) == (Status.SHIPPED, True)
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert shop.events(handle) == (SHIPPED, ["taken"])


async def test_in_the_instant_in_which_the_payment_completes(shop: Shop) -> None:
    """Both reach the workflow in one task, as none of its workers runs while they happen."""
    late = Late()
    shop.payments.next["taken"] = [late]
    async with shop.open(workflows=[]):
        async with shop.open(activities=[]):
            handle = await shop.place()
            await asyncio.to_thread(late.reached.wait)
        late.go.set()
        await until(lambda: completed(handle, 2))
        await handle.cancel()
        async with shop.open(activities=[]):
            await shop.cancelled(handle)
    assert (shop.stock.taken(), shop.payments.taken()) == ({}, {})


async def test_while_the_confirmation_stays_unknown(shop: Shop) -> None:
    shop.stock.always["confirmed"] = down
    async with shop.open():
        handle = await shop.place({"patience": 0.2})
        await shop.reaches(handle, Status.NEEDS_ATTENTION)
        await handle.cancel()
        assert shop.events(handle) == (["taken"], ["taken"])
        del shop.stock.always["confirmed"]
        outcome = await handle.result()
    assert (outcome.status, outcome.too_late) == (Status.SHIPPED, True)


async def test_while_a_confirmation_is_in_flight_that_is_refused(shop: Shop) -> None:
    """It is undone for that, and the cancellation did not come too late."""
    late = Late()

    def late_refusal(call: object) -> None:
        late(lambda: refused(lambda: None))

    shop.stock.next["confirmed"] = [late_refusal]
    async with shop.open():
        handle = await shop.place()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        outcome = await shop.cancelled(handle)
    assert outcome.too_late is False
    assert (shop.stock.taken(), shop.payments.taken()) == ({}, {})


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_during_the_shipment(shop: Shop, options: dict[str, Any]) -> None:
    late = Late()
    shop.stock.next["packed"] = [late]
    async with shop.open(**options):
        handle = await shop.place()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        outcome = await handle.result()
    assert (outcome.status, outcome.too_late) == (Status.SHIPPED, True)
    assert shop.events(handle) == (SHIPPED, ["taken"])


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_during_the_undo(shop: Shop, options: dict[str, Any]) -> None:
    late = Late()
    shop.stock.always["confirmed"] = refused
    shop.payments.next["given back"] = [late]
    async with shop.open(**options):
        handle = await shop.place()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        outcome = await shop.cancelled(handle)
    assert outcome.reason == "Not with us."
    assert (shop.stock.taken(), shop.payments.taken()) == ({}, {})


async def completed(handle: Handle, count: int) -> bool:
    """Whether that many activities have completed."""
    history = await handle.fetch_history()
    kind = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    return sum(event.event_type == kind for event in history.events) == count
