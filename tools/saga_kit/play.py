"""One case on its way: started, cancelled at its moment, waited for, and judged."""

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowHistoryEventFilterType
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError as UpdateCancelled
from temporalio.service import RPCError

from .cases import Cancel, Case
from .faults import Faults, Plan
from .past import Past
from .report import Result, Verdict

Handle = WorkflowHandle[Any, Any]

REACTION = 3
"""Seconds that a workflow has to do what it does about a cancellation, at most."""

RECORDED = 20
"""Seconds in which what a person has settled is recorded outside."""


async def partner_returns(handle: Handle, case: Case) -> bool:
    """Instead of an operator: what is down for good is up again after three seconds."""
    await asyncio.sleep(3)
    return True


@dataclass
class Subject:
    """A saga under test.

    Args:
        start: Starts the workflow with this id, for this case.
        worker: Makes a worker of the saga from what the kit changes of its arguments.
        held: What the outside holds for the workflow with this id; what it holds twice, twice.
        said_booked: Whether a result of the workflow says that all is done.
        pivot: The activity from which on nothing is undone.
        undos: The undo of each step, where the kit cannot learn it.
        operator: Tries to resolve what is stuck; false: it is not yet time for that.
        prefix: What the ids of the workflows begin with.
        seconds: How long a case may take.
    """

    start: Callable[[str, Case], Awaitable[Handle]]
    worker: Callable[..., AbstractAsyncContextManager[Any]]
    held: Callable[[str], Iterable[str] | Awaitable[Iterable[str]]]
    said_booked: Callable[[Any], bool] | None = None
    pivot: str | None = None
    undos: Mapping[str, str] | None = None
    operator: Callable[[Handle, Case], Awaitable[bool]] = partner_returns
    prefix: str = "saga-"
    seconds: float = 120
    all_of_it: Counter[str] = field(default_factory=Counter, init=False)
    """What the happy run holds."""
    faults: Faults = field(default_factory=Faults, init=False)


class Play:
    """One case on its way; `undos` are all undos of the saga."""

    def __init__(self, saga: Subject, case: Case, undos: set[str]) -> None:
        self.saga, self.case, self.undos = saga, case, undos
        self.plan = Plan(case, undos)
        self.past = Past([])
        self.handle: Handle

    @property
    def story(self) -> str:
        """What happened so far, in words."""
        return self.past.story(self.plan.notes)

    async def begin(self) -> None:
        """Start the workflow."""
        workflow_id = f"{self.saga.prefix}{uuid4().hex}"
        self.saga.faults.plans[workflow_id] = self.plan
        self.handle = await self.saga.start(workflow_id, self.case)
        self.ending = asyncio.create_task(self._ended())

    async def alone(self) -> Result:
        """Play a case whose cancellation needs no more than its gate."""
        await self.begin()
        if self.case.cancel is not Cancel.NEVER:
            await self._reach_the_gate()
            await self._cancel()
            await self._until(lambda past: past.has_reacted(self.plan.at_gate), REACTION)
            self.plan.opened.set()
        return await self.result()

    async def reach(self) -> None:
        """Bring a case to the point where it is to be cancelled in an instant."""
        if self._has_a_gate:
            await self.begin()
            await self._reach_the_gate()

    async def cancel_in_the_instant(self) -> None:
        """Let the activity at the gate end, and cancel, while no worker of workflows can see it."""
        if self._has_a_gate:
            self.plan.opened.set()
            await self._until(lambda past: self.plan.at_gate in past.ended, self.saga.seconds)
        else:
            await self.begin()
        await self._cancel()

    async def result(self) -> Result:
        """Wait for the end, and judge it."""
        await self.end()
        held, deadline = await self.what_is_held(), time.monotonic() + RECORDED
        while self.plan.lifted and not self._is_whole(held):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
            held = await self.what_is_held()
        undone = [name for name in self.past.scheduled if name in self.undos]
        verdicts, closed_as = await self._verdicts(held), self.past.closed_as
        return Result(self.case, self.handle.id, held, closed_as, undone, verdicts, self.story)

    async def end(self) -> None:
        """Wait until nothing of the workflow runs any more; one that never ends is terminated."""
        helping = asyncio.create_task(self._help())
        await asyncio.wait([self.ending], timeout=self.saga.seconds)
        helping.cancel()
        with suppress(asyncio.CancelledError, UpdateCancelled):
            await helping
        self.past = Past((await self.handle.fetch_history()).events)
        if not self.ending.done():
            self.ending.cancel()
            await self.handle.terminate()
        await self.plan.rest()

    async def what_is_held(self) -> list[str]:
        """What the outside holds now."""
        held = self.saga.held(self.handle.id)
        return list(await held if inspect.isawaitable(held) else held)

    @property
    def _has_a_gate(self) -> bool:
        """Whether it is not cancelled before its first step."""
        return self.case.cancel is not Cancel.BEFORE or self.case.before is not None

    def _is_whole(self, held: Sequence[str]) -> bool:
        return not held or Counter(held) == self.saga.all_of_it

    async def _verdicts(self, held: Sequence[str]) -> list[Verdict]:
        all_of_it, whole = self.saga.all_of_it, self._is_whole(held)
        met = self.plan.met and self.past.met_the_moment(self.case, self.undos)
        found = {
            Verdict.NOT_MET: not met,
            Verdict.LEFT_BEHIND: not whole and set(held) != set(all_of_it),
            Verdict.DOUBLED: any(it > all_of_it[name] for name, it in Counter(held).items()),
            Verdict.WRONG_OUTCOME: await self._says_what_is_not(held),
            Verdict.NEVER_ENDED: self.past.closed_as is None,
        }
        return [verdict for verdict, is_so in found.items() if is_so]

    async def _says_what_is_not(self, held: Sequence[str]) -> bool:
        """Whether the workflow's end says something else than what is held."""
        if self.saga.pivot in self.past.done and not held:
            return True
        if self.saga.said_booked is None or self.past.closed_as is None:
            return False
        try:
            said = self.saga.said_booked(await self.handle.result())
        except WorkflowFailureError:
            return Counter(held) == self.saga.all_of_it
        return not self._is_whole(held) or said is not bool(held)

    async def _ended(self) -> None:
        kind = WorkflowHistoryEventFilterType.CLOSE_EVENT
        async for _ in self.handle.fetch_history_events(
            wait_new_event=True, event_filter_type=kind
        ):
            return

    async def _reach_the_gate(self) -> None:
        reached = asyncio.create_task(self.plan.reached.wait())
        either = asyncio.FIRST_COMPLETED
        await asyncio.wait([reached, self.ending], timeout=self.saga.seconds, return_when=either)
        reached.cancel()

    async def _cancel(self) -> None:
        try:
            await self.handle.cancel()
        except RPCError as error:  # it has ended: its history says that it missed the moment
            self.plan.note(f"it cannot be cancelled: {error.message}")

    async def _until(self, condition: Callable[[Past], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition(Past((await self.handle.fetch_history()).events)):
            if self.ending.done() or time.monotonic() > deadline:
                return
            await asyncio.sleep(0.05)

    async def _help(self) -> None:
        """Do what an operator does, once the fault is met that needs one."""
        while self.case.needs_an_operator and not self.plan.lifted:
            await asyncio.sleep(0.1)
            if self.plan.met and await self.saga.operator(self.handle, self.case):
                self.plan.note("what was stuck is resolved")
                self.plan.lifted = True
