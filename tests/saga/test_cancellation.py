"""Promise 6: cancellation is safe at any moment, and every undo runs to its end."""

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from shared import Leg, LegState, Status
from tests.saga.world import QUICK, Handle, Late, World, answer_lost, down, ended, until

B, U, N = LegState.BOOKED, LegState.UNDONE, LegState.NOT_ATTEMPTED
STEADY = QUICK.model_copy(update={"undo_patience": 60})


async def test_before_anything_began(world: World) -> None:
    handle = await world.start()
    await handle.cancel()
    async with world.worker():
        await ended(handle)
    assert world.held(handle) == []
    booking = await world.read(handle)
    assert booking.status is Status.CANCELLED
    assert [leg.state for leg in booking.legs] == [N, N, N]


@pytest.mark.parametrize("leg", list(Leg))
async def test_while_a_leg_is_in_flight(world: World, leg: Leg) -> None:
    late = Late()
    world.suppliers[leg].on_reserve = [late]
    async with world.worker():
        handle = await world.start()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel(reason="changed my mind")
        late.go.set()
        outcome = await world.cancelled(handle)
    assert world.held(handle) == []
    begun = list(Leg).index(leg) + 1
    assert [leg.state for leg in outcome.legs] == [U] * begun + [N] * (3 - begun)
    assert outcome.reason == "Cancelled by request: changed my mind"
    read = (await world.read(handle)).outcome()
    assert read.model_dump(exclude_none=True) == outcome.model_dump(exclude_none=True)


@pytest.mark.parametrize("leg", list(Leg))
async def test_in_the_instant_in_which_a_leg_completes(world: World, leg: Leg) -> None:
    """Both reach the workflow in one task: none of its workers runs while they happen."""
    late = Late()
    world.suppliers[leg].on_reserve = [late]
    async with world.worker(workflows=[]):
        async with world.worker(activities=[], max_cached_workflows=0):
            handle = await world.start()
            await asyncio.to_thread(late.reached.wait)
        late.go.set()
        await until(lambda: closed_steps(handle, list(Leg).index(leg) + 1))
        await handle.cancel()
        async with world.worker(activities=[], max_cached_workflows=0):
            outcome = await world.cancelled(handle)
    assert world.held(handle) == []
    begun = list(Leg).index(leg) + 1
    assert [leg.state for leg in outcome.legs] == [U] * begun + [N] * (3 - begun)


async def test_while_undo_is_running(world: World) -> None:
    """A refusal starts the undo; the cancel comes in the middle of it, and ends nothing early."""
    late = Late()
    world.flight.set_stock("a flight", 0)
    world.hotel.on_release = [late]
    async with world.worker():
        handle = await world.start(STEADY)
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        assert world.held(handle) == [Leg.CAR, Leg.HOTEL]
        late.go.set()
        outcome = await world.cancelled(handle)
    assert world.held(handle) == []
    assert [leg.state for leg in outcome.legs] == [U, U, LegState.REFUSED]
    assert outcome.reason == 'Flight "a flight" is sold out.'


async def test_twice(world: World) -> None:
    late, late_undo = Late(), Late()
    world.hotel.on_reserve = [late]
    world.car.on_release = [late_undo]
    async with world.worker():
        handle = await world.start(STEADY)
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        await asyncio.to_thread(late_undo.reached.wait)
        await handle.cancel()
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        late_undo.go.set()
        await world.cancelled(handle)
    assert world.held(handle) == []


async def test_with_every_task_replayed(world: World) -> None:
    """No workflow is cached, so that each of its tasks begins with a replay from the start."""
    late = Late()
    world.flight.on_reserve = [late]
    async with world.worker(max_cached_workflows=0):
        handle = await world.start()
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        await world.cancelled(handle)
    assert world.held(handle) == []


async def test_of_a_booked_trip(world: World) -> None:
    """Its undos hold the same promises: here one is down for a while, and its answer gets lost."""
    async with world.worker():
        handle = await world.start()
        await handle.result()
        world.hotel.on_release = [down, answer_lost]
        outcome = await (await world.cancel_booked(handle)).result()
        booking = await world.read(handle)
    assert world.held(handle) == []
    assert outcome.status is booking.status is Status.CANCELLED
    assert [leg.state for leg in outcome.legs] == [U, U, U]
    assert [item.taken for item in world.hotel.stock()] == [0]


async def test_of_the_cancellation_of_a_booked_trip(world: World) -> None:
    late = Late()
    world.hotel.on_release = [late]
    async with world.worker():
        handle = await world.start()
        await handle.result()
        cancelling = await world.cancel_booked(handle)
        await asyncio.to_thread(late.reached.wait)
        await cancelling.cancel()
        late.go.set()
        await ended(cancelling)
    assert world.held(handle) == []
    assert (await world.read(handle)).status is Status.CANCELLED


async def closed_steps(handle: Handle, count: int) -> bool:
    """Whether that many activities have completed."""
    history = await handle.fetch_history()
    completed = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    return sum(event.event_type == completed for event in history.events) == count
