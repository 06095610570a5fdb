"""What the lessons show: a booking meets a fault, and the suppliers say what they hold for it.

`python -m tests.mutants.scenarios sold_out` runs one of them, on a server of its own.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from temporalio.client import Client

from bookings.plugin import plugin
from settings import Settings
from shared import Leg
from tests.saga.world import QUICK, Handle, Late, World, answer_lost, down, ended, until
from tools.helpers.temporal_server import temporal_server


async def sold_out(world: World) -> Handle:
    """The car and the hotel are booked; then the flight is sold out."""
    world.flight.set_stock("a flight", 0)
    handle = await world.start()
    await ended(handle)
    return handle


async def answers_lost(world: World) -> Handle:
    """The flight is booked, but all its answers get lost until the deadline has passed."""
    world.flight.always_on_reserve = answer_lost
    handle = await world.start(QUICK.model_copy(update={"leg_deadline": 1}))
    await ended(handle)
    return handle


async def reset(world: World) -> Handle:
    """The trip is booked; then an operator resets its workflow in the Web UI, and it runs again."""
    handle = await world.start()
    await handle.result()
    again = await world.reset(handle)
    await again.result()
    return again


async def late(world: World) -> Handle:
    """The hotel does not answer in time, so the trip is undone; then the hotel books after all."""
    slow = Late()
    world.hotel.on_reserve = [slow]
    times = {"attempt_timeout": 0.5, "heartbeat_timeout": 0.5, "leg_deadline": 0.5}
    handle = await world.start(QUICK.model_copy(update=times))
    await ended(handle)
    slow.go.set()
    await asyncio.to_thread(slow.over.wait)
    return handle


async def cancelled(world: World) -> Handle:
    """The flight is sold out; while the hotel is being undone, the traveller cancels."""
    slow = Late()
    world.flight.set_stock("a flight", 0)
    world.hotel.on_release = [slow]
    handle = await world.start(QUICK.model_copy(update={"undo_patience": 60}))
    await asyncio.to_thread(slow.reached.wait)
    await handle.cancel()
    with suppress(TimeoutError):
        await ended(handle, 3)  # a saga that keeps its promise waits for the hotel
    slow.go.set()
    await asyncio.to_thread(slow.over.wait)
    await ended(handle)
    return handle


async def stuck(world: World) -> Handle:
    """The flight is sold out, and the hotel is down for good when it is to be undone."""
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))
    with suppress(AssertionError):  # a broken saga never gives the car back
        await until(lambda: world.held(handle) == [Leg.HOTEL], 5)
    return handle


SCENARIOS: dict[str, Callable[[World], Awaitable[Handle]]] = {
    scenario.__name__: scenario
    for scenario in (sold_out, answers_lost, reset, late, cancelled, stuck)
}


async def show(name: str, port: int, folder: Path) -> None:
    """Run a scenario; print what the booking says, and what the suppliers hold."""
    client = await Client.connect(f"127.0.0.1:{port}", plugins=[plugin(Settings())])
    world = World(client, folder)
    async with world.worker():
        handle = await SCENARIOS[name](world)
        booking = await world.read(handle)
    held = [f"{leg} ({len(s.held())})" for leg, s in world.suppliers.items() if s.held()]
    print(f"The booking says:    {booking.status.replace('_', ' ')}")
    print(f"The suppliers hold:  {', '.join(held) or 'nothing'}")
    world.close()
    await asyncio.sleep(0.25)  # a quicker exit may crash: sdk-python issue 300


if __name__ == "__main__":
    logging.disable()  # all that goes wrong is planned
    with temporal_server() as port, tempfile.TemporaryDirectory() as folder:
        asyncio.run(show(sys.argv[1], port, Path(folder)))
