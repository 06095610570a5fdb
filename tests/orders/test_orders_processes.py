"""The workers as processes, which are killed and limited, and the command line's answers."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from examples.orders.model import PARTS, QUEUE, Order
from examples.orders.workflows import OrderWorkflow
from tests.orders.shop import SHIPPED, Handle
from tests.orders.site import Site
from tests.saga.world import ended, until
from tools.helpers.processes import wait_until
from tools.helpers.temporal_server import free_port, temporal_server

pytestmark = pytest.mark.long  # workers are killed, and taken over from


async def place(client: Client, **fields: Any) -> Handle:
    """Place an order whose shipment takes no time."""
    order = Order(f"order-{uuid4().hex}", "ann", "mug", 1200, part_seconds=0, **fields)
    return await client.start_workflow(
        OrderWorkflow.run,
        order,
        id=order.order_id,
        task_queue=QUEUE,
        search_attributes=order.search_attributes(),
    )


def test_no_part_is_done_twice_when_the_worker_is_killed_during_the_shipment(site: Site) -> None:
    site.start("payments", "payments")
    first = site.start("first", "worker")
    order = site.place(wait=0)
    wait_until(lambda: "packed" in site.stock.events(order))
    first.process.kill()
    first.process.wait()
    before = site.stock.events(order)
    assert before != SHIPPED
    assert "parts done" in site.run("show", order)
    second = site.start("second", "worker")
    wait_until(lambda: f"{order}: shipped" in site.run("show", order))
    assert site.stock.events(order) == SHIPPED
    for part in PARTS:
        assert second.output.count(f"{order}: {part}") == (part not in before)


async def test_a_rate_for_all_workers_of_the_pool_slows_no_other_step(
    site: Site, order_client: Client
) -> None:
    rate, orders = 3, 24
    await asyncio.to_thread(site.start, "worker", "worker")
    for name in ("one", "two"):
        await asyncio.to_thread(site.start, name, "payments", "--per-second", str(rate))
    handles = [await place(order_client) for _ in range(orders)]
    await asyncio.to_thread(wait_until, lambda: site.stock.events().count("taken") == orders)
    charged = len(site.payments.events())
    assert charged < orders, "the stock does not wait for the payments"
    await asyncio.gather(*(handle.result() for handle in handles))
    starts = sorted([(await charge(handle))[0] for handle in handles])
    windows = [sum(0 <= other - start < 1 for other in starts) for start in starts]
    took = starts[-1] - starts[0]
    print(f"{charged} were charged when all stock was reserved; {orders} in {took:.1f} s;")
    print(f"at most {max(windows)} in a second: {[round(at - starts[0], 2) for at in starts]}")
    # Temporal may let twice as many start in the first second, and a busy machine bunches them.
    assert max(windows) <= 4 * rate
    assert took >= orders / rate / 2


async def test_a_number_of_payments_at_once_in_each_worker(
    site: Site, order_client: Client
) -> None:
    await asyncio.to_thread(site.start, "worker", "worker")
    for name in ("one", "two"):
        await asyncio.to_thread(site.start, name, "payments", "--at-once", "1")
    slow: dict[str, Any] = {"rehearse": {"charge": "slow"}, "slow_seconds": 1}
    handles = [await place(order_client, **slow) for _ in range(6)]
    await asyncio.gather(*(handle.result() for handle in handles))
    charges = [await charge(handle) for handle in handles]
    assert max(sum(start <= at < end for start, end in charges) for at, _ in charges) == 2


async def charge(handle: Handle) -> tuple[float, float]:
    """When the charge of an order was started, and when it was completed."""
    events = (await handle.fetch_history()).events
    [scheduled] = [
        event.event_id
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_id == "do:payment"
    ]
    [start] = [
        event.event_time.ToMicroseconds() / 1e6
        for event in events
        if event.activity_task_started_event_attributes.scheduled_event_id == scheduled
    ]
    [end] = [
        event.event_time.ToMicroseconds() / 1e6
        for event in events
        if event.activity_task_completed_event_attributes.scheduled_event_id == scheduled
    ]
    return start, end


async def test_cancel_says_whether_it_is_too_late(site: Site, order_client: Client) -> None:
    async def run(*command: str) -> str:
        return await asyncio.to_thread(site.run, *command)

    await asyncio.to_thread(site.start, "worker", "worker")
    await asyncio.to_thread(site.start, "payments", "payments")
    before = await place(order_client, rehearse={"charge": "slow"})
    assert "what it did is undone" in await run("cancel", before.id)
    await ended(before)
    assert "undone: Cancelled by request" in await run("show", before.id)
    assert "what it did is undone" in await run("cancel", before.id)

    during = await place(order_client, rehearse={"confirm": "slow"})
    await until(lambda: is_confirming(during))
    assert "Too late" in await run("cancel", during.id)
    await ended(during)
    assert "The cancellation came too late." in await run("show", during.id)

    after = await place(order_client)
    await ended(after)
    assert "Too late" in await run("cancel", after.id)
    assert (site.stock.taken(), site.payments.taken()) == ({"mug": 2}, {"EUR": 2400})


async def is_confirming(handle: Handle) -> bool:
    """Whether an order's confirmation is in flight."""
    pending = (await handle.describe()).raw_description.pending_activities
    return [activity.activity_id for activity in pending] == ["pivot:confirmation"]


def test_errors_say_what_to_do(site: Site) -> None:
    unknown = "order-unknown"
    for command in ("show", "cancel"):
        assert "There is no such order" in site.run(command, unknown, status=1)
    by = "--by", "Ann", "--note", "a test"
    assert "There is no such order" in site.run("settle", unknown, "payment", *by, status=1)
    order = site.place(wait=0)
    assert "Start one" in site.run("settle", order, "payment", *by, status=1)
    site.start("worker", "worker")
    site.start("payments", "payments")
    assert "nothing to settle" in site.run("settle", order, "payment", *by, status=1)
    wait_until(lambda: f"{order}: shipped" in site.run("show", order))
    assert "is taken already" in site.run("stock", "mug", "0", status=1)


def test_an_order_needs_the_search_attributes_and_one_command_makes_them(tmp_path: Path) -> None:
    with ExitStack() as stack, temporal_server() as port:
        site = Site(stack, tmp_path, port)
        order = "place", "--customer", "ann", "--item", "mug", "--amount", "1200", "--wait", "0"
        assert "python -m examples.orders setup" in site.run(*order, status=1)
        for _ in range(2):
            assert "OrderCustomer" in site.run("setup")
        assert site.run(*order).startswith("order-")


def test_without_temporal_it_says_so(tmp_path: Path) -> None:
    with ExitStack() as stack:
        site = Site(stack, tmp_path, free_port())
        assert "make run" in site.run("show", "order-1", status=1)
