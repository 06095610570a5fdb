"""The kit: it learns a saga's steps from its histories, and plays every case of their matrix."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from .cases import Cancel, Case, Fault, Role, Step, every_case
from .play import Play, Subject
from .report import ONLY, Report, Result

T = TypeVar("T")

SIDE_BY_SIDE = 40


class Kit(Subject):
    """A saga under test, and what the kit can do with it."""

    async def run(self) -> Report:
        """Learn the steps, and play every case, with the workflow cache on and off."""
        steps = await self.learn()
        return await self.play([*every_case(steps), *every_case(steps, cached=False)])

    async def learn(self) -> list[Step]:
        """Find the steps in the history of a happy run, and their undos in those of refusals.

        Raises:
            ValueError: The happy run does not complete, or holds nothing, or undos look alike.
        """
        async with self.worker(workflows=[], interceptors=[self.faults]), self._workflows(True):
            happy = await self._observe(Case(Step("the happy run")))
            self.all_of_it = Counter(await happy.what_is_held())
            if not self.all_of_it or happy.past.closed_as != "completed":
                raise ValueError(f"The happy run must complete and hold something:\n{happy.story}")
            names = list(happy.past.scheduled)
            at = names.index(self.pivot) if self.pivot else len(names)
            refusals = [Case(Step(name), Fault.REFUSED) for name in names[: at + 1]]
            runs = await side_by_side(refusals, self._observe)
        begun = [[it for it in run.past.scheduled if it not in names] for run in runs]
        learnt = undos_of(names[:at], begun) if self.undos is None else self.undos
        roles = [Role.STEP] * at + [Role.PIVOT] + [Role.AFTER] * len(names)
        begun += [[]] * len(names)
        return [
            Step(name, learnt.get(name), tuple(it for it in undos if it in learnt.values()), role)
            for name, role, undos in zip(names, roles, begun, strict=False)
        ]

    async def play(self, cases: Sequence[Case]) -> Report:
        """Play these cases, or the one that `SAGA_CASE` names.

        Workflows and activities have workers of their own: the first stop for an instant, so that
        the end of a step and a cancellation reach the workflow in one task.
        """
        only = os.environ.get(ONLY)
        undos = {case.step.undo for case in cases if case.step.undo}
        plays = [Play(self, case, undos) for case in cases if only in {None, str(case)}]
        results: list[Result] = []
        async with self.worker(workflows=[], interceptors=[self.faults]):
            for cached in {play.case.cached: None for play in plays}:
                these = [play for play in plays if play.case.cached is cached]
                instants = [it for it in these if it.case.cancel in {Cancel.BEFORE, Cancel.INSTANT}]
                async with self._workflows(cached):
                    others = [play for play in these if play not in instants]
                    results += await side_by_side(others, Play.alone)
                    await side_by_side(instants, Play.reach)
                await side_by_side(instants, Play.cancel_in_the_instant)
                async with self._workflows(cached):
                    results += await side_by_side(instants, Play.result)
        return Report(results, len(cases))

    def _workflows(self, cached: bool) -> AbstractAsyncContextManager[Any]:
        """A worker of workflows, which has no activities but their local ones."""
        return self.worker(
            no_remote_activities=True,
            interceptors=[self.faults],
            max_cached_workflows=1000 if cached else 0,
        )

    async def _observe(self, case: Case) -> Play:
        play = Play(self, case, set())
        await play.begin()
        await play.end()
        return play


def undos_of(steps: Sequence[str], begun: Sequence[Sequence[str]]) -> dict[str, str]:
    """The undo of each step, from the undos that the refusal of each step has begun, in order.

    Raises:
        ValueError: They cannot be told apart.
    """
    undos = begun[-1][::-1]
    unseen = 0 if begun[0] else 1  # registered after success: nothing shows the last step's undo
    if len(steps) - unseen <= len(undos) <= len(steps) and not any("#" in it for it in undos):
        return dict(zip(steps, undos, strict=False))
    raise ValueError(
        f"The steps are {', '.join(steps)}, and the undos {', '.join(undos) or 'none'}. Say which"
        " belongs to which with undos={step: undo}; activities of one type need an id each."
    )


async def side_by_side(items: Sequence[Any], act: Callable[[Any], Awaitable[T]]) -> list[T]:
    """Do something with each item, some of them at a time."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(item: Any) -> T:
        async with places:
            return await act(item)

    return await asyncio.gather(*(one(item) for item in items))
