"""Promises 7 and 8: an undo never gives up and is never silent; a bug undoes nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError
from temporalio.worker import UnsandboxedWorkflowRunner

from bookings.history import Condition
from saga import Saga, Settlement, Step
from saga_workflows import BookWorkflow
from shared import Leg, LegState, Status
from tests.saga.world import QUICK, Call, Fault, Handle, Late, World, down, until

B, U = LegState.BOOKED, LegState.UNDONE


async def test_a_stuck_undo_lets_the_next_one_start_and_needs_attention(world: World) -> None:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    async with world.worker():
        handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))

        async def car_is_undone() -> bool:
            return (await world.read(handle)).legs[0].state is U

        await until(car_is_undone)
        assert world.held(handle) == [Leg.HOTEL]
        booking = await world.read(handle)
        assert booking.status is Status.NEEDS_ATTENTION
        assert [leg.state for leg in booking.legs] == [U, LegState.UNDOING, LegState.REFUSED]
        assert booking.legs[1].last_failure == "Hotel service is down"
        assert booking.reason == 'Flight "a flight" is sold out.'
        query = "__temporal_workflow_metadata"  # Temporal's Web UI asks it
        shown = await handle.query(query, result_type=WorkflowMetadata)
        said = "Trying to undo the hotel.\nThe hotel is stuck since "
        assert shown.current_details.startswith(said)
        world.hotel.always_on_release = None
        outcome = await handle.result()
    assert world.held(handle) == []
    assert outcome.status is Status.CANCELLED
    assert [leg.state for leg in outcome.legs] == [U, U, LegState.REFUSED]


async def test_an_operator_settles_a_leg_whose_undo_is_stuck(world: World) -> None:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    async with world.worker():
        handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))
        await until(lambda: world.held(handle) == [Leg.HOTEL])
        await handle.execute_update(
            BookWorkflow.settle, Settlement(Leg.HOTEL, "Ann", "phoned the hotel")
        )
        outcome = await handle.result()
        assert (await world.read(handle)).outcome().legs[1].state is LegState.SETTLED
        assert [leg.state for leg in outcome.legs] == [U, LegState.SETTLED, LegState.REFUSED]
        assert outcome.legs[1].reason == "Our staff made sure that nothing is booked."
        assert world.held(handle) == [Leg.HOTEL], "it cannot be recorded yet"
        world.hotel.always_on_release = None
        await until(lambda: world.held(handle) == [])
    assert ("settled", "Settled by Ann: phoned the hotel") in world.ledger(Leg.HOTEL)


@pytest.mark.parametrize("leg", [Leg.CAR, Leg.FLIGHT])
async def test_only_a_leg_that_is_being_undone_can_be_settled(world: World, leg: Leg) -> None:
    late = Late()
    world.car.on_reserve = [late]
    async with world.worker():
        handle = await world.start()
        await asyncio.to_thread(late.reached.wait)
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update(BookWorkflow.settle, Settlement(leg, "Ann", "a mistake"))
        assert "nothing to settle" in str(refusal.value.cause)
        late.go.set()
        assert (await handle.result()).status is Status.BOOKED


async def test_undos_start_in_reverse_order(world: World) -> None:
    released: list[Leg] = []

    def noted(leg: Leg) -> Fault:
        def fault(call: Call) -> None:
            released.append(leg)
            call()

        return fault

    for leg, supplier in world.suppliers.items():
        supplier.on_release = [noted(leg)]
    world.flight.set_stock("a flight", 0)
    async with world.worker():
        await (await world.start()).result()
    assert released == [Leg.FLIGHT, Leg.HOTEL, Leg.CAR]


async def test_a_bug_suspends_the_booking_until_it_is_fixed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers run unsandboxed, so that the bug can be put into the code and taken out."""
    correct = Saga.do
    fixed = asyncio.Event()

    async def buggy(saga: Saga, step: Step) -> Any:
        if step.name == Leg.FLIGHT and not fixed.is_set():
            raise ZeroDivisionError("a bug in workflow code")
        return await correct(saga, step)

    monkeypatch.setattr(Saga, "do", buggy)
    async with world.worker(workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await world.start(task_timeout=timedelta(seconds=1))
        await until(lambda: failed_tasks(handle))
        assert world.held(handle) == [Leg.CAR, Leg.HOTEL]
        assert (await world.read(handle)).condition is Condition.SUSPENDED
    fixed.set()
    async with world.worker(workflow_runner=UnsandboxedWorkflowRunner()):
        outcome = await handle.result()
    assert outcome.status is Status.BOOKED
    assert world.held(handle) == list(Leg)
    assert (await world.read(handle)).condition is None


async def failed_tasks(handle: Handle) -> bool:
    """Whether the workflow's code has failed."""
    history = await handle.fetch_history()
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return any(event.event_type == failed for event in history.events)


async def test_a_bug_in_an_undo_is_retried_until_it_is_fixed(world: World) -> None:
    def bug(_call: Call) -> None:
        raise TypeError("a bug in an undo")

    world.flight.set_stock("a flight", 0)
    world.car.always_on_release = bug
    async with world.worker():
        handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.2}))
        await until(lambda: world.held(handle) == [Leg.CAR])
        world.car.always_on_release = None
        await handle.result()
    assert world.held(handle) == []


async def test_a_bug_in_a_do_is_retried_until_the_deadline(world: World) -> None:
    def bug(_call: Call) -> None:
        raise TypeError("a bug in a do")

    world.flight.always_on_reserve = bug
    async with world.worker():
        handle = await world.start(QUICK.model_copy(update={"leg_deadline": 2}))
        outcome = await handle.result()
    assert world.held(handle) == []
    assert outcome.reason == "Flight service is down"
