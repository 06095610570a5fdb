"""Every refusal and every failure has a code, for programs, beside its words."""

import asyncio

import pytest

from saga import Settlement
from saga_workflows import BookWorkflow
from shared import Code, Leg, Status
from suppliers import Busy, Fenced, Invalid, Refused, SoldOut
from tests.saga.world import QUICK, Call, Fault, Late, World, down, until

IMPATIENT = QUICK.model_copy(update={"leg_deadline": 2})
SILENT = QUICK.model_copy(update={"attempt_timeout": 0.2, "leg_deadline": 2})


def says(error: Exception) -> Fault:
    def fault(_call: Call) -> None:
        raise error

    return fault


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SoldOut("None is left."), Code.SOLD_OUT),
        (Fenced("It was released."), Code.RELEASED),
        (Invalid("The item is not one."), Code.INVALID),
        (Refused("We do not like you."), Code.DECLINED),
        (Busy("The hotel supplier is busy."), Code.BUSY),
        (ConnectionError("gone"), Code.UNAVAILABLE),
    ],
)
async def test_a_leg_that_is_not_booked_has_a_code(
    world: World, error: Exception, code: Code
) -> None:
    """The legs that are undone because of it have the same, and so has the booking."""
    world.hotel.always_on_reserve = says(error)
    world.car.on_release = [late := Late()]
    async with world.worker():
        handle = await world.start(IMPATIENT)
        await asyncio.to_thread(late.reached.wait)
        during = await world.read(handle)
        late.go.set()
        after = await handle.result()
    assert (during.status, during.code) == (Status.UNDOING, code)
    assert [leg.code for leg in during.legs] == [None, code, None]
    assert after.code == code
    assert [leg.code for leg in after.legs] == [code, code, None]
    assert [leg.code for leg in (await world.read(handle)).legs] == [code, code, None]


async def test_a_supplier_that_never_answers_has_a_code(world: World) -> None:
    world.hotel.always_on_reserve = late = Late()
    async with world.worker():
        handle = await world.start(SILENT)
        outcome = await handle.result()
        late.go.set()
    assert [leg.code for leg in outcome.legs] == [Code.NO_ANSWER, Code.NO_ANSWER, None]


async def test_a_cancellation_has_a_code(world: World) -> None:
    async with world.worker():
        handle = await world.start()
        booked = await handle.result()
        cancelled = await (await world.cancel_booked(handle)).result()
    assert [booked.code, *(leg.code for leg in booked.legs)] == [None] * 4
    assert [cancelled.code, *(leg.code for leg in cancelled.legs)] == [Code.CANCELLED] * 4


@pytest.mark.long
async def test_what_was_settled_or_stopped_has_a_code(world: World) -> None:
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = down
    async with world.worker():
        handle = await world.start(QUICK.model_copy(update={"undo_patience": 0.3}))
        other = await world.start()
        await until(lambda: world.held(handle) == world.held(other) == [Leg.HOTEL])
        await other.terminate("by mistake")
        stopped = await world.read(other)
        await handle.execute_update(BookWorkflow.settle, Settlement(Leg.HOTEL, "Ann", "phoned"))
        settled = await handle.result()
    assert settled.code == Code.SOLD_OUT
    assert [leg.code for leg in settled.legs] == [Code.SOLD_OUT, Code.SETTLED, Code.SOLD_OUT]
    assert stopped.code == stopped.legs[1].code == Code.STOPPED


def test_the_codes_are_these() -> None:
    """They are in the programs of clients: none may change."""
    assert list(Code) == [
        "declined",
        "sold_out",
        "invalid",
        "released",
        "unavailable",
        "busy",
        "no_answer",
        "cancelled",
        "settled",
        "stopped",
    ]
