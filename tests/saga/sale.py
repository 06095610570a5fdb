"""A sale with a point of no return, for the tests of the saga core.

It is apart from them because the sandbox loads the module of a workflow again and again.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity, workflow

from saga import FAILED, Options, Saga, Settleable, Step, close_as_canceled_if_asked

Fault = Callable[[], Awaitable[None]]


class Shop:
    """What the steps call: it keeps what is done, and goes wrong as a test plans it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.undone: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.always: dict[str, Fault] = {}

    @activity.defn
    async def do(self, step: str) -> None:
        await self._meet(step)
        if step not in self.done:
            self.done.append(step)

    @activity.defn
    async def undo(self, step: str) -> None:
        await self._meet(f"undo {step}")
        self.undone.append(step)
        if step in self.done:
            self.done.remove(step)

    async def _meet(self, call: str) -> None:
        planned = self.faults.get(call)
        fault = planned.pop(0) if planned else self.always.get(call)
        if fault:
            await fault()


@workflow.defn
class Sale(Settleable):
    @workflow.init
    def __init__(self, options: list[Any]) -> None:
        self.saga = Saga(self._changed, self._settled)
        self.options = Options(*options)

    @workflow.run
    async def run(self, options: list[Any]) -> dict[str, str]:
        try:
            await self.saga.do(self._step("stock"))
            await self.saga.do(self._step("payment"))
            await self.saga.pivot(self._step("confirmation"))
        except FAILED:
            await self.saga.undo_all()
            close_as_canceled_if_asked()
            return self._story()
        await self.saga.after(self._step("shipment"))
        return self._story()

    def _step(self, name: str) -> Step:
        return Step(name, Shop.do, Shop.undo, name, self.options)

    def _story(self) -> dict[str, str]:
        return {name: outcome.state for name, outcome in self.saga.outcomes.items()}

    def _changed(self) -> None:
        workflow.upsert_memo({"status": self.saga.status, "reason": self.saga.reason})

    async def _settled(self, step: Step) -> None:
        workflow.upsert_memo({"settled": self.saga.outcomes[step.name].reason})
