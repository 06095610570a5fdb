"""What an activity's attempts meet, by its workflow: the faults of a case, and a gate."""

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from .cases import LATE, Cancel, Case, Fault
from .past import Names

Call = Callable[[], Awaitable[Any]]
PATIENCE = 30
"""Seconds that a late commit and the undo that it is to meet wait for each other."""


class Plan:
    """What the activities of one workflow meet; it remembers what they have met."""

    def __init__(self, case: Case, undos: set[str]) -> None:
        self.case = case
        self.met = case.fault is Fault.NONE
        self.lifted = False
        self.notes: list[tuple[datetime, str]] = []
        self.at_gate: str | None = None
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self._running, self._idle = 0, asyncio.Event()
        self._names, self._tries = Names(), Counter[str]()
        self._late: asyncio.Task[Any] | None = None
        self._go = asyncio.Event()
        gates: dict[Cancel, set[str | None]] = {
            Cancel.BEFORE: {case.before},
            Cancel.IN_FLIGHT: {case.step.name},
            Cancel.INSTANT: {case.step.name},
            Cancel.DURING_UNDO: {*undos},
        }
        self._gates = gates.get(case.cancel, set())

    def note(self, words: str) -> None:
        """Remember something for the story."""
        self.notes.append((datetime.now(UTC), f"  the kit: {words}"))

    async def attempt(self, given: ExecuteActivityInput, real: Callable[..., Any]) -> Any:
        """Let one attempt at an activity meet what is planned for it."""
        info = activity.info()
        name = self._names.of(info.activity_type, info.activity_id)
        self._running += 1
        self._idle.clear()
        try:
            if name in self._gates and not self.reached.is_set():
                if info.is_local:  # nothing reaches a workflow while one runs
                    raise self._down(name)
                self.at_gate = name
                self.reached.set()
                await self.opened.wait()
            return await self._meet(name, given, lambda: real(given))
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _meet(self, name: str, given: ExecuteActivityInput, call: Call) -> Any:
        case = self.case
        self._tries[name] += 1
        tries = self._tries[name]
        if self.lifted:
            return await call()
        if name == case.step.name:
            match case.fault:
                case Fault.REFUSED:
                    raise self._refused(name, met=True)
                case Fault.DOWN:
                    raise self._down(name, met=True)
                case Fault.DOWN_FOR_A_WHILE if tries <= 3:
                    raise self._down(name, met=True)
                case Fault.ANSWER_LOST if tries == 1:
                    raise await self._answer_lost(name, call, met=True)
                case Fault.ANSWERS_LOST:
                    raise await self._answer_lost(name, call, met=True)
                case Fault.LATE_BEFORE_UNDO | Fault.LATE_DURING_UNDO | Fault.LATE_AFTER_UNDO:
                    if tries > 1:
                        raise self._down(name)
                    self.note(f"{name} hangs")
                    given.fn = self._held_up(given.fn)
                    self._late = asyncio.ensure_future(call())
                    return await asyncio.shield(self._late)  # its end is not Temporal's business
        if name == case.step.undo:
            match case.fault:
                case Fault.UNDO_FAILS if tries == 2:
                    raise await self._answer_lost(name, call, met=True)
                case Fault.UNDO_FAILS if tries <= 3:
                    raise self._down(name, met=True)
                case Fault.UNDO_STUCK:
                    raise self._down(name, met=True)
                case fault if fault in LATE and not self.met:
                    return await self._undo_meets_late_commit(call)
        if case.fails and name == case.fails.name:
            if case.fails == case.step:
                raise await self._answer_lost(name, call)
            raise self._refused(name)
        return await call()

    async def _undo_meets_late_commit(self, call: Call) -> Any:
        if self.case.fault is not Fault.LATE_AFTER_UNDO:
            self.let_go()
        if self.case.fault is Fault.LATE_BEFORE_UNDO:
            await self._late_is_over()
        try:
            return await call()
        finally:
            self.let_go()
            self.met = await self._late_is_over()

    def let_go(self) -> None:
        """Let the attempt that hangs commit now."""
        if self._late and not self._go.is_set():
            self.note(f"{self.case.step.name} commits late")
        self._go.set()

    async def rest(self) -> None:
        """At the end of the workflow, let everything of it come to an end that still runs."""
        self.opened.set()
        late_after_all = self._late and not self._go.is_set()
        self.let_go()
        if late_after_all and await self._late_is_over():
            self.met = self.case.fault is Fault.LATE_AFTER_UNDO  # no undo came, and none will
        if self._running:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), PATIENCE)

    async def _late_is_over(self) -> bool:
        if self._late:
            await asyncio.wait([self._late], timeout=PATIENCE)
            if self._late.done() and not self._late.cancelled():
                self._late.exception()  # a fence may have refused it: nobody else asks
        return self._late is not None and self._late.done()

    def _held_up(self, activity_function: Callable[..., Any]) -> Callable[..., Any]:
        """The activity, which waits before it begins: no timeout or cancel interrupts it."""
        if inspect.iscoroutinefunction(activity_function):

            async def late(*args: Any) -> Any:
                await self._go.wait()
                return await activity_function(*args)

            return late

        def late_in_a_thread(*args: Any) -> Any:
            with activity.shield_thread_cancel_exception():
                while not self._go.is_set():
                    time.sleep(0.01)
                return activity_function(*args)

        return late_in_a_thread

    async def _answer_lost(self, name: str, call: Call, met: bool = False) -> ApplicationError:
        await call()
        self.met = self.met or met
        self.note(f"{name} commits, and its answer gets lost")
        return _error("The answer was lost.", "AnswerLost")

    def _down(self, name: str, met: bool = False) -> ApplicationError:
        self.met = self.met or met
        if self._tries[name] <= 5:
            self.note(f"{name} is down")
        return _error("The service is down.", "Down")

    def _refused(self, name: str, met: bool = False) -> ApplicationError:
        self.met = self.met or met
        self.note(f"{name} is refused")
        return _error("Refused by the test.", "Refused", non_retryable=True)


def _error(words: str, type_: str, *, non_retryable: bool = False) -> ApplicationError:
    """A failure that the SDK does not log with a traceback."""
    benign = ApplicationErrorCategory.BENIGN
    return ApplicationError(words, type=type_, non_retryable=non_retryable, category=benign)


class Faults(Interceptor):
    """Lets the activities of each workflow meet its plan; the others are left alone."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Put the plans before an activity."""
        return _Attempts(next, self.plans)


class _Attempts(ActivityInboundInterceptor):
    def __init__(self, real: ActivityInboundInterceptor, plans: dict[str, Plan]) -> None:
        super().__init__(real)
        self.plans = plans

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        plan = self.plans.get(activity.info().workflow_id or "")
        if plan is None:
            return await self.next.execute_activity(input)
        return await plan.attempt(input, self.next.execute_activity)
