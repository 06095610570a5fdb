"""An order is shipped and paid, or all of it is undone; the confirmation decides which."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from examples.orders.model import STATUS, OrderOutcome, Status, StepOutcome
from examples.orders.reading import show
from examples.orders.workflows import OrderWorkflow
from saga import Settlement, State
from tests.orders.shop import (
    SHIPPED,
    Fault,
    Handle,
    Late,
    Shop,
    answer_lost,
    down,
    memo,
    refused,
)
from tests.saga.world import ended, until

D, U, R, F, N = State.DONE, State.UNDONE, State.REFUSED, State.FAILED, State.NOT_ATTEMPTED
UNCACHED = {"max_cached_workflows": 0}
IMPATIENT = {"patience": 0.2}


def states(outcome: OrderOutcome) -> list[State]:
    steps = outcome.steps
    return [steps[name].state for name in ("stock", "payment", "confirmation", "shipment")]


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_shipped(shop: Shop, options: dict[str, Any]) -> None:
    async with shop.open(**options):
        handle = await shop.place(quantity=2)
        outcome = await handle.result()
    assert outcome.status is Status.SHIPPED
    assert outcome.steps["shipment"] == StepOutcome(D, None)
    assert states(outcome) == [D, D, D, D]
    assert (outcome.reason, outcome.too_late) == (None, False)
    assert await memo(handle) == outcome
    assert (await handle.describe()).typed_search_attributes[STATUS] == "shipped"
    assert shop.events(handle) == (SHIPPED, ["taken"])
    assert (shop.stock.taken(), shop.payments.taken()) == ({"mug": 2}, {"EUR": 1200})


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_a_refused_payment_gives_the_stock_back(shop: Shop, options: dict[str, Any]) -> None:
    shop.payments.always["taken"] = refused
    async with shop.open(**options):
        handle = await shop.place()
        outcome = await handle.result()
    assert outcome.status is Status.CANCELLED
    assert states(outcome) == [U, R, N, N]
    assert outcome.reason == outcome.steps["payment"].reason == "Not with us."
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert shop.events(handle) == (["taken", "given back"], ["given back"])
    assert (shop.stock.taken(), shop.payments.taken()) == ({}, {})


async def test_what_is_sold_out_is_not_charged(shop: Shop) -> None:
    shop.stock.set_capacity("mug", 1)
    async with shop.open():
        handles = [await shop.place() for _ in range(8)]
        outcomes = await asyncio.gather(*(handle.result() for handle in handles))
    assert sorted(outcome.status for outcome in outcomes) == ["cancelled"] * 7 + ["shipped"]
    assert {o.reason for o in outcomes if o.reason} == {"It is sold out."}
    assert (shop.stock.taken(), shop.payments.taken()) == ({"mug": 1}, {"EUR": 1200})


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_a_refused_confirmation_undoes_and_refunds(
    shop: Shop, options: dict[str, Any]
) -> None:
    shop.stock.always["confirmed"] = refused
    async with shop.open(**options):
        handle = await shop.place()
        outcome = await handle.result()
    assert states(outcome) == [U, U, R, N]
    assert shop.events(handle) == (["taken", "given back"], ["taken", "given back"])


async def test_a_charge_that_does_not_come_about_in_time_is_undone(shop: Shop) -> None:
    shop.payments.always["taken"] = answer_lost
    async with shop.open():
        handle = await shop.place({"deadline": 0.5})
        outcome = await handle.result()
    assert states(outcome) == [U, F, N, N]
    assert shop.events(handle)[1] == ["taken", "given back"]
    assert shop.payments.taken() == {}


async def test_a_late_charge_after_the_refund_is_refused(shop: Shop) -> None:
    late = Late()
    shop.payments.next["taken"] = [late]
    async with shop.open():
        handle = await shop.place({"deadline": 0.5, "attempt": 0.5, "heartbeat": 0.5})
        outcome = await handle.result()
        assert states(outcome) == [U, F, N, N]
        late.go.set()
        await asyncio.to_thread(late.over.wait)
    assert "It was cancelled before." in str(late.error)
    assert shop.events(handle)[1] == ["given back"]
    assert shop.payments.taken() == {}


async def test_a_confirmation_whose_answer_is_lost_is_confirmed_once(shop: Shop) -> None:
    shop.stock.next["confirmed"] = [answer_lost, down, answer_lost]
    async with shop.open():
        handle = await shop.place()
        outcome = await handle.result()
    assert states(outcome) == [D, D, D, D]
    assert shop.events(handle) == (SHIPPED, ["taken"])


@pytest.mark.parametrize("fault", [down, answer_lost])
@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_a_confirmation_that_stays_unknown_needs_attention_and_is_never_refunded(
    shop: Shop, fault: Fault, options: dict[str, Any]
) -> None:
    shop.stock.always["confirmed"] = fault
    async with shop.open(**options):
        # The deadline is for what can be undone: it passes many times meanwhile.
        handle = await shop.place(IMPATIENT | {"deadline": 0.3})
        await shop.reaches(handle, Status.NEEDS_ATTENTION)
        tried = await attempts(handle)
        await until(lambda: has_attempts(handle, tried + 5))
        assert shop.events(handle)[1] == ["taken"]
        del shop.stock.always["confirmed"]
        outcome = await handle.result()
    assert states(outcome) == [D, D, D, D]
    assert shop.events(handle) == (SHIPPED, ["taken"])


@pytest.mark.parametrize("options", [{}, UNCACHED])
async def test_a_confirmation_settled_as_done_is_shipped(
    shop: Shop, options: dict[str, Any]
) -> None:
    shop.stock.always["confirmed"] = down
    async with shop.open(**options):
        handle = await shop.place(IMPATIENT)
        await shop.reaches(handle, Status.NEEDS_ATTENTION)
        await handle.execute_update(
            OrderWorkflow.settle, Settlement("confirmation", "Ann", "phoned the stock")
        )
        await shop.reaches(handle, Status.COMMITTED)
        assert shop.stock.events(handle.id) == ["taken"], "it cannot be recorded yet"
        del shop.stock.always["confirmed"]
        outcome = await handle.result()
    assert states(outcome) == [D, D, State.SETTLED, D]
    note = "Settled by Ann: phoned the stock"
    assert outcome.steps["confirmation"].reason == note
    assert shop.events(handle) == (SHIPPED, ["taken"])
    assert note in shop.stock.notes()


@pytest.mark.parametrize("fault", [down, answer_lost])
async def test_a_confirmation_settled_as_not_done_is_undone(shop: Shop, fault: Fault) -> None:
    """Even if it was done, and nobody knew: nothing of it was shipped."""
    shop.stock.always["confirmed"] = fault
    async with shop.open():
        handle = await shop.place(IMPATIENT)
        await shop.reaches(handle, Status.NEEDS_ATTENTION)
        await handle.execute_update(
            OrderWorkflow.settle, Settlement("confirmation", "Ann", "it is not there", done=False)
        )
        outcome = await handle.result()
    assert states(outcome) == [U, U, F, N]
    assert outcome.reason == "Settled by Ann: it is not there"
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert (shop.stock.taken(), shop.payments.taken()) == ({}, {})


async def test_a_refund_that_is_stuck_is_settled(shop: Shop) -> None:
    shop.stock.always["confirmed"] = refused
    shop.payments.always["given back"] = down
    async with shop.open():
        handle = await shop.place(IMPATIENT)
        await shop.reaches(handle, Status.NEEDS_ATTENTION)
        await until(lambda: shop.stock.taken() == {})
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(
                OrderWorkflow.settle, Settlement("confirmation", "Ann", "?")
            )
        settlement = Settlement("payment", "Ann", "paid back by hand")
        await handle.execute_update(OrderWorkflow.settle, settlement)
        outcome = await handle.result()
        assert states(outcome) == [U, State.SETTLED, R, N]
        assert shop.payments.taken() == {"EUR": 1200}, "it cannot be recorded yet"
        del shop.payments.always["given back"]
        await until(lambda: shop.payments.taken() == {})
    assert "Settled by Ann: paid back by hand" in shop.payments.notes()


async def test_a_notification_that_fails_undoes_and_delays_nothing(shop: Shop) -> None:
    async with shop.open():
        handle = await shop.place(rehearse={"notify": "down"})
        outcome = await handle.result()
        assert outcome.status is Status.SHIPPED
        notification = shop.client.get_workflow_handle(f"{handle.id}/notify")
        await ended(notification)
    order, described = await handle.describe(), await notification.describe()
    assert order.close_time
    assert described.close_time
    assert order.close_time < described.close_time
    assert described.status is WorkflowExecutionStatus.FAILED
    follow_up = await described.memo_value("follow_up", type_hint=str)
    assert follow_up == f"Tell ann that {handle.id} is shipped."
    assert shop.events(handle) == (SHIPPED, ["taken"])


async def test_a_terminated_order_is_not_said_to_run(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.payments.always["taken"] = down
    async with shop.open():
        handle = await shop.place()
        await until(lambda: has_attempts(handle, 2))
        await handle.terminate()
        await show(shop.client, handle.id)
    assert f"{handle.id}: stopped from outside" in capsys.readouterr().out
    assert shop.stock.taken() == {"mug": 1}


async def attempts(handle: Handle) -> int:
    """The number of the attempt that an order is at."""
    pending = (await handle.describe()).raw_description.pending_activities
    return pending[0].attempt if pending else 0


async def has_attempts(handle: Handle, count: int) -> bool:
    return await attempts(handle) >= count
