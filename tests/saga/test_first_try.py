"""First tries: the same promises, though what they did is in no history until their task ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from bookings.plugin import plugin
from bookings.reading import find_booking
from saga import Settlement
from saga_workflows import BookWorkflow
from settings import Settings
from shared import BookingOutcome, Code, Leg, LegState, Status
from tests.saga.cable import Cable
from tests.saga.test_encryption import NEW, encrypting
from tests.saga.world import QUICK, Handle, Late, World, answer_lost, down, until

FIRST = QUICK.model_copy(update={"first_try": 20, "undo_patience": 60})
"""Long enough for a busy machine."""

SHORT = FIRST.model_copy(update={"first_try": 1})
"""For what hangs."""

B, U, N = LegState.BOOKED, LegState.UNDONE, LegState.NOT_ATTEMPTED
TASK = timedelta(seconds=2)


@pytest.fixture(params=[1000, 0], ids=["cached", "replayed"])
def cached(request: pytest.FixtureRequest) -> int:
    """How many workflows a worker remembers; with none, each task begins with a replay."""
    number: int = request.param
    return number


@asynccontextmanager
async def cut_off(world: World, temporal_port: int, late: Late) -> AsyncIterator[Handle]:
    """A booking whose worker loses its connection at `late`, which it lets go on at the end."""
    plain = world.client
    async with Cable(temporal_port).laid() as cable:
        world.client = await Client.connect(f"127.0.0.1:{cable.port}", plugins=[plugin(Settings())])
        worker, world.client = world.worker(), plain
        async with worker:
            handle = await world.start(FIRST, task_timeout=TASK)
            await asyncio.to_thread(late.reached.wait)
            cable.cut()
            yield handle
            late.go.set()
            await asyncio.to_thread(late.over.wait)
            cable.mend()


def states(outcome: BookingOutcome) -> list[LegState]:
    return [leg.state for leg in outcome.legs]


async def test_all_three_are_booked_in_one_task(world: World, cached: int) -> None:
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        outcome = await handle.result()
    assert world.held(handle) == list(Leg)
    assert states(outcome) == [B, B, B]
    assert [leg.attempts for leg in outcome.legs] == [1, 1, 1]
    # With three regular activities, it has 24.
    assert len((await handle.fetch_history()).events) <= 10


@pytest.mark.parametrize("leg", list(Leg))
async def test_a_refusal_is_final_and_leaves_none_held(world: World, cached: int, leg: Leg) -> None:
    world.suppliers[leg].set_stock(f"a {leg}", 0)
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        outcome = await handle.result()
        booking = await world.read(handle)
    assert world.held(handle) == []
    before = list(Leg).index(leg)
    assert states(outcome) == [U] * before + [LegState.REFUSED] + [N] * (2 - before)
    assert (outcome.status, outcome.code) == (Status.CANCELLED, Code.SOLD_OUT)
    assert outcome.legs[before].attempts == 1
    assert booking.outcome().model_dump(exclude_none=True) == outcome.model_dump(exclude_none=True)


async def test_a_first_try_that_fails_is_the_first_of_the_attempts(
    world: World, cached: int
) -> None:
    world.hotel.on_reserve = [down, down, answer_lost]
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        outcome = await handle.result()
    assert world.held(handle) == list(Leg)
    assert [leg.attempts for leg in outcome.legs] == [1, 4, 1]


async def test_a_first_try_that_hangs_delays_only_that_long(world: World, cached: int) -> None:
    """A replay sees its timeout in another shape than the task in which it was."""
    late = Late()
    world.hotel.on_reserve = [late]
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(SHORT)
        outcome = await handle.result()
        late.go.set()
        await asyncio.to_thread(late.over.wait)
    assert states(outcome) == [B, B, B]
    assert outcome.legs[1].attempts == 2
    assert world.held(handle) == list(Leg)
    assert [item.taken for item in world.hotel.stock()] == [1]


async def test_it_is_part_of_the_deadline(world: World, cached: int) -> None:
    world.hotel.always_on_reserve = down
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(SHORT.model_copy(update={"leg_deadline": 2}))
        outcome = await handle.result()
    assert states(outcome) == [U, LegState.FAILED, N]
    assert world.held(handle) == []


@pytest.mark.parametrize("leg", list(Leg))
async def test_a_cancel_while_one_runs_undoes_what_it_booked(
    world: World, cached: int, leg: Leg
) -> None:
    """The server refuses the task, as it has not seen the cancellation, and its tries are lost."""
    late = Late()
    world.suppliers[leg].on_reserve = [late]
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel(reason="changed my mind")
        late.go.set()
        outcome = await world.cancelled(handle)
    assert world.held(handle) == []
    assert outcome.reason == "Cancelled by request: changed my mind"
    # Legs after this one may have been booked, too, before the task ended.
    begun = list(Leg).index(leg) + 1
    assert states(outcome)[:begun] == [U] * begun
    for supplied, told in zip(Leg, outcome.legs, strict=True):
        was_booked = ("booked", "") in world.ledger(supplied)
        assert told.state is (U if was_booked else N)
        assert told.attempts == was_booked


async def test_a_task_that_is_lost_before_a_cancel_leaves_none_held(
    world: World, temporal_port: int
) -> None:
    late = Late()
    world.hotel.on_reserve = [late]
    async with cut_off(world, temporal_port, late) as handle:
        assert world.held(handle) == [Leg.CAR]
        await handle.cancel()
        async with world.worker():
            outcome = await world.cancelled(handle)
    assert world.held(handle) == []
    assert states(outcome) == [U, N, N]


async def test_a_task_that_is_lost_is_done_again_and_books_nothing_twice(
    world: World, temporal_port: int
) -> None:
    late = Late()
    world.hotel.on_reserve = [late]
    async with cut_off(world, temporal_port, late) as handle, world.worker():
        await handle.result()
    assert world.held(handle) == list(Leg)
    assert [supplier.stock()[0].taken for supplier in world.suppliers.values()] == [1, 1, 1]


async def test_a_worker_that_lost_its_task_undoes_nothing_that_another_has_booked(
    world: World, temporal_port: int
) -> None:
    """The first found the flight sold out, and continues its undo; the second found a seat."""
    late = Late()
    world.flight.set_stock("a flight", 0)
    world.flight.on_release = [late]
    async with cut_off(world, temporal_port, late) as handle:
        world.flight.set_stock("a flight", 9)
        async with world.worker():
            outcome = await handle.result()
    booked = outcome.status is Status.BOOKED
    assert world.held(handle) == (list(Leg) if booked else [])


async def test_an_undo_that_fails_at_its_first_try_is_done_later(world: World, cached: int) -> None:
    world.flight.set_stock("a flight", 0)
    world.hotel.on_release = [answer_lost, down]
    world.car.on_release = [down]
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        outcome = await handle.result()
    assert world.held(handle) == []
    assert states(outcome) == [U, U, LegState.REFUSED]


async def test_an_operator_settles_an_undo_that_is_stuck(world: World, cached: int) -> None:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST.model_copy(update={"undo_patience": 0.3}))

        async def needs_attention() -> bool:
            return (await world.read(handle)).status is Status.NEEDS_ATTENTION

        await until(needs_attention)
        assert (await world.read(handle)).legs[1].last_failure == "Hotel service is down"
        settlement = Settlement(Leg.HOTEL, "Ann", "phoned the hotel")
        await handle.execute_update(BookWorkflow.settle, settlement)
        outcome = await handle.result()
    assert states(outcome) == [U, LegState.SETTLED, LegState.REFUSED]


async def test_a_booked_trip_can_be_cancelled(world: World, cached: int) -> None:
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        await handle.result()
        outcome = await (await world.cancel_booked(handle)).result()
        booking = await world.read(handle)
    assert world.held(handle) == []
    assert states(outcome) == [U, U, U]
    assert [leg.attempts for leg in booking.legs] == [1, 1, 1]


async def test_a_leg_with_a_queue_of_its_own_is_booked_by_its_own_workers(
    world: World, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    there = World(client, tmp_path / "there")
    queue = f"{world.task_queue}-hotels"
    there.task_queue = queue
    async with world.worker(), there.worker(workflows=[]):
        handle = await world.start(FIRST, queues={Leg.HOTEL: queue})
        outcome = await handle.result()
    assert world.held(handle) == [Leg.CAR, Leg.FLIGHT]
    assert there.held(handle) == [Leg.HOTEL]
    assert [leg.attempts for leg in outcome.legs] == [1, 1, 1]
    there.close()


async def test_while_nothing_can_be_known_each_leg_may_be_booked(world: World, cached: int) -> None:
    late = Late()
    world.hotel.on_reserve = [late]
    async with world.worker(max_cached_workflows=cached):
        handle = await world.start(FIRST)
        before = await world.read(handle)
        await asyncio.to_thread(late.reached.wait)
        during = await world.read(handle)
        late.go.set()
        await handle.result()
    assert set(states(before.outcome())) <= {N, LegState.BOOKING}
    assert states(during.outcome()) == [LegState.BOOKING] * 3


async def test_a_leg_is_read_while_it_is_tried_again(world: World) -> None:
    """Its first try is counted and its failure is shown, even with encryption on."""
    world.hotel.always_on_reserve = down
    world.client = encrypting(world.client, NEW)
    async with world.worker():
        handle = await world.start(FIRST.model_copy(update={"first_retry": 20}))
        await until(lambda: waits(world, handle))
        [car, hotel, flight] = (await world.read(handle)).legs
        found = await find_booking(world.client, handle.id)
        await handle.terminate()
    assert (car.state, car.attempts) == (B, 1)
    assert (hotel.state, hotel.attempts) == (LegState.BOOKING, 2)
    assert hotel.last_failure == "Hotel service is down"
    assert hotel.next_attempt_at is not None
    assert (flight.state, flight.attempts) == (N, 0)
    assert found is not None
    assert [event.kind for event in found.events][-2:] == ["booking", "waiting"]


async def waits(world: World, handle: Handle) -> bool:
    return (await world.read(handle)).legs[1].attempts == 2
