"""Promises 1 to 5 and 10: all or none, whatever the suppliers do, and an outcome that is true."""

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus

from shared import Leg, LegState, Status
from suppliers import Busy
from tests.saga.world import QUICK, Call, Late, World, answer_lost, down, until

B, U, R, F, N = (
    LegState.BOOKED,
    LegState.UNDONE,
    LegState.REFUSED,
    LegState.FAILED,
    LegState.NOT_ATTEMPTED,
)
IMPATIENT = QUICK.model_copy(update={"leg_deadline": 2})  # on a busy machine, time for each leg


async def test_all_three_are_booked(world: World) -> None:
    async with world.worker():
        handle = await world.start()
        outcome = await handle.result()
    assert world.held(handle) == [Leg.CAR, Leg.HOTEL, Leg.FLIGHT]
    assert outcome.status is Status.BOOKED
    assert [(leg.leg, leg.item, leg.state, leg.attempts) for leg in outcome.legs] == [
        (Leg.CAR, "a car", B, 1),
        (Leg.HOTEL, "a hotel", B, 1),
        (Leg.FLIGHT, "a flight", B, 1),
    ]
    assert outcome.reason is None


@pytest.mark.parametrize(
    ("leg", "states"), [(Leg.CAR, [R, N, N]), (Leg.HOTEL, [U, R, N]), (Leg.FLIGHT, [U, U, R])]
)
async def test_a_refused_leg_leaves_none_held(
    world: World, leg: Leg, states: list[LegState]
) -> None:
    world.suppliers[leg].set_stock(f"a {leg}", 0)
    async with world.worker():
        handle = await world.start()
        outcome = await handle.result()
        booking = await world.read(handle)
    assert world.held(handle) == []
    assert outcome.status is booking.status is Status.CANCELLED
    assert [leg.state for leg in outcome.legs] == states
    assert outcome.reason == f'{leg.capitalize()} "a {leg}" is sold out.'
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


@pytest.mark.parametrize(
    ("leg", "states"), [(Leg.CAR, [F, N, N]), (Leg.HOTEL, [U, F, N]), (Leg.FLIGHT, [U, U, F])]
)
async def test_a_leg_that_is_down_past_its_deadline_leaves_none_held(
    world: World, leg: Leg, states: list[LegState]
) -> None:
    world.suppliers[leg].always_on_reserve = down
    async with world.worker():
        handle = await world.start(IMPATIENT)
        outcome = await handle.result()
    assert world.held(handle) == []
    assert [leg.state for leg in outcome.legs] == states
    assert outcome.reason == f"{leg.capitalize()} service is down"
    failed = outcome.legs[list(Leg).index(leg)]
    assert failed.attempts > 1


async def test_a_leg_that_is_down_for_a_while_is_booked_in_the_end(world: World) -> None:
    world.hotel.on_reserve = [down, down, down]
    async with world.worker():
        handle = await world.start()
        outcome = await handle.result()
    assert world.held(handle) == list(Leg)
    assert [leg.attempts for leg in outcome.legs] == [1, 4, 1]


async def test_undo_is_registered_before_do(world: World) -> None:
    """The supplier books each time, and each time the answer gets lost, until the deadline."""
    world.flight.always_on_reserve = answer_lost
    async with world.worker():
        handle = await world.start(IMPATIENT)
        outcome = await handle.result()
    assert world.held(handle) == []
    assert [leg.state for leg in outcome.legs] == [U, U, F]


async def test_do_is_idempotent(world: World) -> None:
    world.hotel.on_reserve = [answer_lost, answer_lost]
    async with world.worker():
        handle = await world.start()
        await handle.result()
    assert world.held(handle) == list(Leg)
    assert [item.taken for item in world.hotel.stock()] == [1]


async def test_undo_fences_a_step_that_books_late(world: World) -> None:
    """The step times out and is undone while its supplier still works on it."""
    late = Late()
    world.hotel.on_reserve = [late]
    hasty = QUICK.model_copy(
        update={"attempt_timeout": 2, "heartbeat_timeout": 2, "leg_deadline": 2}
    )
    async with world.worker():
        handle = await world.start(hasty)
        outcome = await handle.result()
        assert outcome.status is Status.CANCELLED
        assert world.held(handle) == []
        late.go.set()
        await asyncio.to_thread(late.over.wait)
    assert world.held(handle) == []
    assert [leg.state for leg in outcome.legs] == [U, F, N]


async def test_undo_fences_a_step_that_books_while_it_is_undone(world: World) -> None:
    late, late_undo = Late(), Late()
    world.hotel.on_reserve = [late]
    world.hotel.on_release = [late_undo]
    hasty = QUICK.model_copy(
        update={"attempt_timeout": 2, "heartbeat_timeout": 2, "leg_deadline": 2}
    )
    async with world.worker():
        handle = await world.start(hasty.model_copy(update={"undo_patience": 30}))
        await asyncio.to_thread(late_undo.reached.wait)
        late.go.set()
        await asyncio.to_thread(late.over.wait)
        assert world.held(handle) == [Leg.CAR, Leg.HOTEL]
        late_undo.go.set()
        await handle.result()
    assert world.held(handle) == []


async def test_undo_is_idempotent(world: World) -> None:
    """Undone, and the answer lost; so undone again, and the unit is given back once."""
    world.car.on_release = [answer_lost, answer_lost]
    world.flight.set_stock("a flight", 0)
    async with world.worker():
        handle = await world.start()
        await handle.result()
    assert world.held(handle) == []
    assert [item.taken for item in world.car.stock()] == [0]


async def test_one_key_a_leg_whatever_the_run(world: World) -> None:
    """A reset booking runs its legs again, under another run id, and holds what it held."""
    async with world.worker():
        handle = await world.start()
        await handle.result()
        keys = [supplier.held()[0].key for supplier in world.suppliers.values()]
        assert [key.split(":")[::2] for key in keys] == [[handle.id, leg] for leg in Leg]
        again = await world.reset(handle)
        await again.result()
    assert (await again.describe()).run_id != handle.result_run_id
    assert [supplier.held()[0].key for supplier in world.suppliers.values()] == keys
    assert [item.taken for supplier in world.suppliers.values() for item in supplier.stock()] == [
        1,
        1,
        1,
    ]


async def test_one_seat_and_twenty_bookings(world: World) -> None:
    world.flight.set_stock("a flight", 1)
    async with world.worker():
        handles = [await world.start() for _ in range(20)]
        outcomes = await asyncio.gather(*(handle.result() for handle in handles))
    booked = [h for h, o in zip(handles, outcomes, strict=True) if o.status is Status.BOOKED]
    assert len(booked) == 1
    assert [world.held(handle) for handle in booked] == [list(Leg)]
    assert [len(supplier.held()) for supplier in world.suppliers.values()] == [1, 1, 1]
    reasons = {outcome.reason for outcome in outcomes if outcome.status is Status.CANCELLED}
    assert reasons == {'Flight "a flight" is sold out.'}


async def test_time_is_bounded_by_the_legs_and_not_by_the_workflow(world: World) -> None:
    """A workflow that Temporal ends by a timeout would end without its undos."""
    handle = await world.start()
    config = (await handle.describe()).raw_description.execution_config
    assert config.workflow_execution_timeout.ToSeconds() == 0
    assert config.workflow_run_timeout.ToSeconds() == 0
    async with world.worker():
        await handle.result()


async def test_a_booking_that_runs_is_read_without_its_worker(world: World) -> None:
    late = Late()
    world.hotel.on_reserve = [down, late]
    async with world.worker():
        handle = await world.start()
        await asyncio.to_thread(late.reached.wait)
        booking = await world.read(handle)
        assert booking.status is Status.RUNNING
        assert [leg.state for leg in booking.legs] == [B, LegState.BOOKING, N]
        assert booking.legs[1].attempts == 2
        assert booking.legs[1].last_failure == "Hotel service is down"
        late.go.set()
        await handle.result()
    booking = await world.read(handle)
    assert booking.status is Status.BOOKED
    assert [leg.state for leg in booking.legs] == [B, B, B]
    assert booking.ended_at is not None
    await until(lambda: world.held(handle) == list(Leg))


async def test_a_supplier_that_is_left_alone_is_said_to_be_busy(world: World) -> None:
    def busy(_call: Call) -> None:
        raise Busy("The hotel supplier is busy.")

    world.hotel.always_on_reserve = busy
    async with world.worker():
        outcome = await (await world.start(IMPATIENT)).result()
    assert outcome.status is Status.CANCELLED
    assert outcome.reason == "The hotel supplier is busy."
