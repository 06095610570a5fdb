"""The failure matrix, played side by side: all or none, and an outcome that is true, every time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateFailedError

from saga import Settlement
from saga_workflows import BookWorkflow
from shared import Leg, Pace, Status
from suppliers.sql import SqlSupplier
from tests.saga.matrix import CASES, Cancel, Case, Fault, Gate, Script, well
from tests.saga.world import QUICK, AnyWorld, Call, Handle, ended, until

T = TypeVar("T")

LEGS = list(Leg)
SIDE_BY_SIDE = 40
PACE = QUICK.model_copy(update={"heartbeat_timeout": 20, "undo_patience": 60})
HASTY = PACE.model_copy(
    # Long enough for a step that goes well on a busy machine, and short for one that hangs.
    update={"attempt_timeout": 5, "heartbeat_timeout": 5, "leg_deadline": 5}
)
CLOSED = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
}


class ScriptedSupplier(SqlSupplier):
    """A SQL supplier whose calls meet what the script of their booking says."""

    def __init__(self, url: str, leg: Leg, scripts: dict[str, Script]) -> None:
        super().__init__(url, leg)
        self.leg = leg
        self.scripts = scripts

    def reserve(self, key: str, item: str, traveller: str) -> None:
        script = self.scripts[key.partition(":")[0]]
        fault = script.next(script.reserve[self.leg])
        fault(lambda: super(ScriptedSupplier, self).reserve(key, item, traveller))

    def release(self, key: str) -> None:
        script = self.scripts[key.partition(":")[0]]
        script.released.append(self.leg)
        self._undo(script, lambda: super(ScriptedSupplier, self).release(key))

    def settle(self, key: str, note: str) -> None:
        script = self.scripts[key.partition(":")[0]]
        self._undo(script, lambda: super(ScriptedSupplier, self).settle(key, note))

    def _undo(self, script: Script, call: Call) -> None:
        script.next(script.release[self.leg])(call)


ScriptedWorld = AnyWorld[ScriptedSupplier]


class Play:
    """One case on its way."""

    def __init__(self, world: ScriptedWorld, scripts: dict[str, Script], case: Case) -> None:
        self.world = world
        self.case = case
        self.script = Script.of(case)
        self.gate = Gate()
        self.scripts = scripts
        self.handle: Handle

    async def begin(self) -> None:
        """Start the booking, with its gate at the point where it is to be cancelled."""
        case, script = self.case, self.script
        booking_id = f"trip-{uuid4().hex}"
        self.scripts[booking_id] = script
        for leg in case.refused:
            self.world.suppliers[leg].set_stock(f"{leg} of {booking_id}", 0)
        faults = self._faults_at_the_gate()
        if faults:
            faults[0:1] = [self.gate(faults[0]), faults[0]]
        items: dict[str, Any] = {f"book_{leg}_id": f"{leg} of {booking_id}" for leg in Leg}
        self.handle = await self.world.start(self._pace(), booking_id, **items)

    def _pace(self) -> Pace:
        pace = HASTY if self.case.waits_for_its_deadline else PACE
        if self.case.fault is Fault.UNDO_STUCK:
            return pace.model_copy(update={"undo_patience": 0.5})
        return pace

    def _faults_at_the_gate(self) -> list[Callable[[Call], None]] | None:
        at = LEGS.index(self.case.leg)
        match self.case.cancel:
            case Cancel.IN_FLIGHT | Cancel.INSTANT:
                return self.script.reserve[self.case.leg]
            case Cancel.BEFORE if at > 0:
                return self.script.reserve[LEGS[at - 1]]
            case Cancel.DURING_UNDO:
                return self.script.release[self.case.begun[-1]]
            case _:
                return None

    async def at_the_gate(self) -> None:
        """Wait until the booking is where it is to be cancelled."""
        await until(self.gate.reached.is_set, 120)

    async def step_closed(self) -> None:
        """Wait until the step at the gate has ended for Temporal, which no workflow worker saw."""

        async def closed() -> bool:
            history = await self.handle.fetch_history()
            return sum(event.event_type in CLOSED for event in history.events) == steps

        steps = len(self.case.begun)
        await until(closed, 120)

    async def settle_what_is_stuck(self) -> None:
        """Do what an operator does: see that it needs attention, and settle it."""

        async def needs_attention() -> bool:
            return (await self.world.read(self.handle)).status is Status.NEEDS_ATTENTION

        async def settled() -> bool:
            settlement = Settlement(self.case.leg, "Ann", "phoned them")
            try:
                await self.handle.execute_update(BookWorkflow.settle, settlement)
            except WorkflowUpdateFailedError:  # on a busy machine another leg may be overdue first
                return False
            return True

        await until(needs_attention, 120)
        await until(settled, 120)
        self.script.release[self.case.leg] = [well]

    async def verdict(self) -> list[str]:
        """Wait for the end; everything that is not as it must be."""
        case, world = self.case, self.world
        if case.fault is Fault.UNDO_STUCK:
            await self.settle_what_is_stuck()
        await ended(self.handle)
        held = LEGS if case.status is Status.BOOKED else []
        if case.fault is Fault.UNDO_STUCK:
            await until(lambda: world.held(self.handle) == held, 120)
        closed_as = (await self.handle.describe()).status
        outcome = (await world.read(self.handle)).outcome()
        found = {
            "held": (world.held(self.handle), held),
            "status": (outcome.status, case.status),
            "legs": ([leg.state for leg in outcome.legs], case.states),
            "order of undo": (list(dict.fromkeys(self.script.released)), case.undos),
            "closed as": (
                closed_as,
                WorkflowExecutionStatus.COMPLETED
                if case.cancel is Cancel.NEVER
                else WorkflowExecutionStatus.CANCELED,
            ),
            "reason": (bool(outcome.reason), case.status is not Status.BOOKED),
        }
        return [
            f"{case}: {what} is {is_}, not {to_be}"
            for what, (is_, to_be) in found.items()
            if is_ != to_be
        ]


@pytest.fixture
def scripts() -> dict[str, Script]:
    return {}


@pytest.fixture
def scripted(client: Client, tmp_path: Path, scripts: dict[str, Script]) -> Iterator[ScriptedWorld]:
    world = AnyWorld(client, tmp_path, lambda url, leg: ScriptedSupplier(url, leg, scripts))
    yield world
    world.close()


@pytest.mark.parametrize(
    "cached",
    [pytest.param(1000, id="cached"), pytest.param(0, id="replayed", marks=pytest.mark.long)],
)
async def test_all_or_none_in_every_case(
    scripted: ScriptedWorld,
    scripts: dict[str, Script],
    cached: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Workflows and activities have workers of their own, so that the first can be stopped."""
    plays = [Play(scripted, scripts, case) for case in CASES]
    at_once = [play for play in plays if play.case.cancel in {Cancel.INSTANT, Cancel.BEFORE}]
    others = [play for play in plays if play not in at_once]
    async with scripted.worker(workflows=[]):
        async with scripted.worker(activities=[], max_cached_workflows=cached):
            verdicts = await side_by_side(others, alone)
            await side_by_side(at_once, begin_and_reach)
        await side_by_side(at_once, complete_and_cancel)
        async with scripted.worker(activities=[], max_cached_workflows=cached):
            verdicts += await side_by_side(at_once, Play.verdict)
    wrong = [line for verdict in verdicts for line in verdict]
    assert wrong == []
    assert len(verdicts) == len(CASES) == 126
    with capsys.disabled():
        print(f" {len(CASES)} cases", end="")


async def side_by_side(plays: list[Play], act: Callable[[Play], Awaitable[T]]) -> list[T]:
    """Do something with each play, some of them at a time."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(play: Play) -> T:
        async with places:
            return await act(play)

    return await asyncio.gather(*(one(play) for play in plays))


async def alone(play: Play) -> list[str]:
    """Play a case whose cancellation needs no more than its gate."""
    await play.begin()
    if play.case.cancel is not Cancel.NEVER:
        await play.at_the_gate()
        await play.handle.cancel()
        play.gate.open.set()
    return await play.verdict()


async def begin_and_reach(play: Play) -> None:
    """Bring a case to the point where it is to be cancelled."""
    if play.case.begun:
        await play.begin()
        await play.at_the_gate()


async def complete_and_cancel(play: Play) -> None:
    """Let the step end and the cancellation come, while no workflow worker is there to see."""
    if play.case.begun:
        play.gate.open.set()
        await play.step_closed()
    else:
        await play.begin()
    await play.handle.cancel()
