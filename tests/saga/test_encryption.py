"""Encryption: switched on over open bookings, and rotated."""

from base64 import b64encode

import pytest
from temporalio.client import Client

from bookings.history import Condition
from bookings.plugin import plugin
from settings import Settings
from shared import Leg, LegState, Status
from tests.saga.world import QUICK, Handle, World, down, until

OLD, NEW = (f"{name}:{b64encode(name[:1].encode() * 32).decode()}" for name in ("old", "new"))


def encrypting(client: Client, *ring: str) -> Client:
    """A client that reads and writes with these keys."""
    settings = Settings(ENCRYPTION_KEYS=",".join(ring), SEARCH_KEY="s" * 32)
    return Client(client.service_client, plugins=[plugin(settings)])


async def is_stuck(world: World, handle: Handle) -> bool:
    booking = await world.read(handle)
    return booking.status is Status.NEEDS_ATTENTION and bool(booking.legs[1].last_failure)


async def test_it_can_be_switched_on_over_open_bookings(world: World) -> None:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    plain = world.client
    async with world.worker():
        stuck = await world.start(QUICK.model_copy(update={"undo_patience": 0.1}))
        await until(lambda: is_stuck(world, stuck))
    world.flight.set_stock("a flight", 9)
    waiting = await world.start()

    world.client = encrypting(plain, NEW)
    async with world.worker():
        await until(lambda: is_stuck(world, stuck))
        assert (await world.read(stuck)).reason == 'Flight "a flight" is sold out.'
        world.hotel.always_on_release = None
        for handle in (stuck, waiting):
            await world.client.get_workflow_handle(handle.id).result()
    assert world.held(stuck) == []
    assert world.held(waiting) == list(Leg)
    states = [leg.state for leg in (await world.read(stuck)).legs]
    assert states == [LegState.UNDONE, LegState.UNDONE, LegState.REFUSED]


@pytest.mark.parametrize(
    "ring",
    [pytest.param([NEW], id="another key", marks=pytest.mark.long), pytest.param([], id="no key")],
)
async def test_a_booking_waits_for_a_missing_key_and_goes_on_with_it(
    world: World, ring: list[str]
) -> None:
    plain = world.client
    world.client = encrypting(plain, OLD)
    booked_before = await world.start()
    async with world.worker():
        await booked_before.result()
    handle = await world.start()
    old = world.client

    world.client = encrypting(plain, *ring) if ring else plain
    async with world.worker():
        world.client = old
        await until(lambda: condition_is(world, handle, Condition.SUSPENDED))
    assert world.held(handle) == []

    world.client = encrypting(plain, NEW, OLD)
    async with world.worker():
        await world.client.get_workflow_handle(handle.id).result()
    assert world.held(handle) == list(Leg)
    for one in (booked_before, handle):
        assert (await world.read(one)).status is Status.BOOKED


async def condition_is(world: World, handle: Handle, condition: Condition) -> bool:
    return (await world.read(handle)).condition is condition
