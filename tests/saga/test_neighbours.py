"""Promise 13, in the worker: what is slow or away delays only who asked for it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared import Pace, Status
from suppliers.mail import Mailer
from tests.saga.world import Call, Handle, World, until

MANY = 300
"""More trips than a worker has steps at once."""

pytestmark = pytest.mark.long

BLACK_HOLE = "a black hole"
PACE = Pace(longest_undo_retry=2)


class Hole:
    """A supplier that does not answer about one item; the caller gives up after a while."""

    def __init__(self, seconds: float = 8) -> None:
        self.seconds = seconds
        self.healed = threading.Event()
        self.calls = 0

    def __call__(self, call: Call) -> None:
        self.calls += 1
        if not self.healed.wait(self.seconds):
            raise TimeoutError("no answer")
        call()


@contextmanager
def silent_server() -> Iterator[int]:
    """A port where connections are accepted, and nobody ever speaks; its number."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:  # it is closed
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


async def plain_trips(world: World, number: int = 20) -> list[Handle]:
    """Some trips of a traveller who asks for nothing special; all are booked in time."""
    handles = [await world.start(PACE) for _ in range(number)]
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*(handle.result() for handle in handles))
    assert {outcome.status for outcome in outcomes} == {Status.BOOKED}
    return handles


async def test_a_mail_server_that_does_not_speak_stops_no_booking(world: World) -> None:
    with silent_server() as port:
        world.activities.mailer = Mailer(f"smtp://127.0.0.1:{port}", "trips@example.com")
        async with world.worker():
            mailed = [await world.start(PACE, email="john@example.com") for _ in range(MANY)]
            await asyncio.gather(*(handle.result() for handle in mailed))
            await plain_trips(world)


async def test_an_item_that_hangs_stops_no_other_item_of_its_supplier(world: World) -> None:
    hole = Hole()
    world.hotel.about[BLACK_HOLE] = hole
    async with world.worker():
        stuck = [await world.start(PACE, book_hotel_id=BLACK_HOLE) for _ in range(MANY)]
        await until(lambda: hole.calls > 0)
        await plain_trips(world)
        hole.healed.set()
        async with asyncio.timeout(90):
            outcomes = await asyncio.gather(*(handle.result() for handle in stuck))
    assert {outcome.status for outcome in outcomes} == {Status.BOOKED}
    assert all(len(world.held(handle)) == 3 for handle in stuck)


async def test_trips_to_an_item_that_hangs_do_not_pile_up(world: World) -> None:
    """They end by their deadline, and until then they ask seldom."""
    world.hotel.about[BLACK_HOLE] = Hole()
    pace = PACE.model_copy(update={"leg_deadline": 15})
    async with world.worker():
        stuck = [await world.start(pace, book_hotel_id=BLACK_HOLE) for _ in range(40)]
        async with asyncio.timeout(120):
            outcomes = await asyncio.gather(*(handle.result() for handle in stuck))
    assert {outcome.status for outcome in outcomes} == {Status.CANCELLED}
    assert max(outcome.legs[1].attempts for outcome in outcomes) < 8
    assert not any(world.held(handle) for handle in stuck)


async def test_an_undo_never_waits_behind_bookings(world: World) -> None:
    """Every place for bookings at the hotel is taken, each by another hotel that hangs."""
    async with world.worker():
        [booked] = await plain_trips(world, 1)
        hole = Hole()
        world.hotel.always_on_reserve = hole
        stuck = [await world.start(PACE, book_hotel_id=f"hotel {n}") for n in range(MANY)]
        await until(lambda: hole.calls > 0)
        async with asyncio.timeout(30):
            outcome = await (await world.cancel_booked(booked)).result()
        assert outcome.status is Status.CANCELLED
        assert world.held(booked) == []
        hole.healed.set()
        async with asyncio.timeout(90):
            await asyncio.gather(*(handle.result() for handle in stuck))


async def test_waiting_for_a_place_does_not_count_against_the_deadline(world: World) -> None:
    """Others hold all places for longer than the leg's deadline; then there is one."""
    hole = Hole(seconds=30)
    world.hotel.always_on_reserve = hole
    patient = PACE.model_copy(update={"leg_deadline": 60, "heartbeat_timeout": 60})
    hasty = PACE.model_copy(update={"leg_deadline": 2})
    async with world.worker():
        stuck = [await world.start(patient, book_hotel_id=f"hotel {n}") for n in range(16)]
        await until(lambda: hole.calls == 16)
        waiting = await world.start(hasty)
        await until(lambda: scheduled(waiting, 2))
        hole.healed.set()
        outcome = await waiting.result()
        assert outcome.status is Status.BOOKED
        await asyncio.gather(*(handle.result() for handle in stuck))


async def scheduled(handle: Handle, times: int) -> bool:
    """Whether the hotel has been asked for that many times, each with a deadline of its own."""
    history = await handle.fetch_history()
    ids = [e.activity_task_scheduled_event_attributes.activity_id for e in history.events]
    return ids.count("do:hotel") == times
