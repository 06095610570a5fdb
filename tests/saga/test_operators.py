"""What an operator does to a workflow itself: reset it, terminate it."""

import asyncio

from shared import Leg, LegState, Status
from tests.saga.world import Late, World


async def test_a_reset_while_a_leg_is_in_flight_books_once(world: World) -> None:
    late = Late()
    world.hotel.on_reserve = [late]
    async with world.worker():
        handle = await world.start()
        await asyncio.to_thread(late.reached.wait)
        again = await world.reset(handle)
        late.go.set()
        await again.result()
    assert world.held(handle) == list(Leg)
    assert (await world.read(handle)).status is Status.BOOKED


async def test_a_reset_of_a_booking_that_was_undone_stays_undone(world: World) -> None:
    """Its keys are fenced: the second run is refused where the first was undone."""
    world.flight.set_stock("a flight", 0)
    async with world.worker():
        handle = await world.start()
        await handle.result()
        world.flight.set_stock("a flight", 1)
        again = await world.reset(handle)
        await again.result()
    assert world.held(handle) == []
    assert (await world.read(handle)).status is Status.CANCELLED


async def test_a_terminated_booking_needs_attention_and_says_what_it_may_hold(
    world: World,
) -> None:
    """Temporal runs no undo for it: what it holds stays held until somebody sees to it."""
    late = Late()
    world.hotel.on_reserve = [late]
    async with world.worker():
        handle = await world.start()
        await asyncio.to_thread(late.reached.wait)
        await handle.terminate("by mistake")
        late.go.set()
        await asyncio.to_thread(late.over.wait)
        booking = await world.read(handle)
    assert booking.status is Status.NEEDS_ATTENTION
    assert booking.legs[0].state is LegState.BOOKED
    assert "stopped from outside" in str(booking.reason)
    assert world.held(handle) == [Leg.CAR, Leg.HOTEL]
