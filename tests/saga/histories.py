"""Recorded histories, one of each outcome; `python -m tests.saga.histories` records them anew."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHistory

from bookings.client import let_sdk_rest
from bookings.plugin import plugin
from saga import Settlement
from saga_workflows import BookWorkflow
from settings import Settings
from shared import Leg, Status
from tests.saga.cable import Cable
from tests.saga.world import QUICK, Handle, Late, World, down, ended, until
from tools.helpers.temporal_server import temporal_server

FIRST = QUICK.model_copy(update={"first_try": 2})
FOLDER = Path(__file__).parent / "histories"


async def booked(world: World) -> Handle:
    return await world.start()


async def booked_and_told(world: World) -> Handle:
    return await world.start(email="john@example.com")


async def recovered_forward(world: World) -> Handle:
    world.hotel.on_reserve = [down, down]
    return await world.start()


async def refused(world: World) -> Handle:
    world.flight.set_stock("a flight", 0)
    return await world.start(email="john@example.com")


async def past_its_deadline(world: World) -> Handle:
    world.hotel.always_on_reserve = down
    return await world.start(QUICK.model_copy(update={"leg_deadline": 0.5}))


async def needed_attention(world: World) -> Handle:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))

    async def noticed() -> bool:
        return (await world.read(handle)).status is Status.NEEDS_ATTENTION

    await until(noticed)
    world.hotel.always_on_release = None
    return handle


async def cancelled_in_flight(world: World) -> Handle:
    late = Late()
    world.hotel.on_reserve = [late]
    handle = await world.start()
    await asyncio.to_thread(late.reached.wait)
    await handle.cancel(reason="changed my mind")
    late.go.set()
    return handle


async def cancelled_while_undoing(world: World) -> Handle:
    late = Late()
    world.flight.set_stock("a flight", 0)
    world.hotel.on_release = [late]
    handle = await world.start()
    await asyncio.to_thread(late.reached.wait)
    await handle.cancel()
    late.go.set()
    return handle


async def cancelled_when_booked(world: World) -> Handle:
    handle = await world.start()
    await handle.result()
    return await world.cancel_booked(handle)


async def alerted(world: World) -> Handle:
    """The cancellation of a booked trip, of which staff are told."""
    handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))
    await handle.result()
    world.hotel.always_on_release = down
    cancelling = await world.cancel_booked(handle)

    async def told() -> bool:
        history = await cancelling.fetch_history()
        return any(
            event.HasField("child_workflow_execution_started_event_attributes")
            for event in history.events
        )

    await until(told)
    world.hotel.always_on_release = None
    return cancelling


async def settled(world: World) -> Handle:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))
    await until(lambda: world.held(handle) == [Leg.HOTEL])
    settlement = Settlement(Leg.HOTEL, "Ann", "phoned the hotel")
    await handle.execute_update(BookWorkflow.settle, settlement)
    world.hotel.always_on_release = None
    return handle


async def first_tries_booked(world: World) -> Handle:
    return await world.start(FIRST)


async def first_try_refused(world: World) -> Handle:
    world.flight.set_stock("a flight", 0)
    return await world.start(FIRST)


async def first_try_in_vain(world: World) -> Handle:
    world.hotel.on_reserve = [down, down]
    return await world.start(FIRST)


async def first_try_timed_out(world: World) -> Handle:
    late = Late()
    world.hotel.on_reserve = [late]
    handle = await world.start(FIRST.model_copy(update={"first_try": 0.3}))
    await handle.result()
    late.go.set()
    return handle


async def first_try_lost(world: World) -> Handle:
    """The connection of its worker is cut; another takes over."""
    late = Late()
    world.hotel.on_reserve = [late]
    plain = world.client
    port = plain.service_client.config.target_host.partition(":")[2]
    async with Cable(int(port)).laid() as cable:
        world.client = await Client.connect(f"127.0.0.1:{cable.port}", plugins=[plugin(Settings())])
        doomed, world.client = world.worker(), plain
        async with doomed:
            handle = await world.start(FIRST, task_timeout=timedelta(seconds=1))
            await asyncio.to_thread(late.reached.wait)
            cable.cut()
            async with world.worker():
                await handle.result()
            late.go.set()
            cable.mend()
    return handle


SCENES: list[Callable[[World], Awaitable[Handle]]] = [
    booked,
    booked_and_told,
    recovered_forward,
    refused,
    past_its_deadline,
    needed_attention,
    cancelled_in_flight,
    cancelled_while_undoing,
    cancelled_when_booked,
    alerted,
    settled,
    first_tries_booked,
    first_try_refused,
    first_try_in_vain,
    first_try_timed_out,
    first_try_lost,
]


def recorded() -> dict[str, WorkflowHistory]:
    """The histories that are kept, by their scenes."""
    return {path.stem: read(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def read(text: str) -> WorkflowHistory:
    first = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(first["workflowId"], text)


def portable(value: Any) -> Any:
    """A history without what tells of the machine on which it was recorded."""
    if isinstance(value, dict):
        return {k: portable(v) for k, v in value.items() if k not in {"identity", "stackTrace"}}
    return [portable(item) for item in value] if isinstance(value, list) else value


async def record(client: Client) -> None:
    """Play each scene, and keep its history."""
    FOLDER.mkdir(exist_ok=True)
    for scene in SCENES:
        folder = Path(tempfile.mkdtemp())
        world = World(client, folder)
        async with nullcontext() if scene is first_try_lost else world.worker():
            handle = await scene(world)
            await ended(handle)
        history = portable((await handle.fetch_history()).to_json_dict())
        text = json.dumps(history, indent=1)
        (FOLDER / f"{scene.__name__}.json").write_text(text + "\n")
        world.close()
        shutil.rmtree(folder)
        print(f"Recorded {scene.__name__}.")


async def main() -> None:
    """Record all histories with a server of their own."""
    with temporal_server() as port:
        await record(await Client.connect(f"127.0.0.1:{port}", plugins=[plugin(Settings())]))
        await let_sdk_rest()


if __name__ == "__main__":
    asyncio.run(main())
