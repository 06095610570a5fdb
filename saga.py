"""The saga of any workflow: all of its steps are done, or those that were are undone in reverse.

A file to copy, with its test `tests/saga/test_core.py`; it needs nothing but `temporalio`.
Version 1.0, MIT License, Copyright (c) 2026 the trip-booking maintainers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

T = TypeVar("T")
State = StrEnum("State", "NOT_ATTEMPTED DONE REFUSED FAILED UNDONE SETTLED")
Status = StrEnum("Status", "RUNNING COMMITTED UNDOING NEEDS_ATTENTION")
Verb = StrEnum("Verb", "DO PIVOT AFTER UNDO")

REFUSED = "Refused"
"""The type of the `ApplicationError` with which an activity says no, for good."""

NO_PLACE = "NoPlace"
"""The type of the `ApplicationError` of an attempt that was not made, as others took all places.
Waiting for a place does not count against the deadline of a step."""

FAILED = (ActivityError, asyncio.CancelledError)
"""What starts the undo. Any other exception is a bug: the workflow waits until it is fixed."""


class Options(NamedTuple):
    """How a step is tried. Times are in seconds, and come from the workflow's input."""

    deadline: float = 60  # for all attempts of a `do`; the other verbs have none
    attempt: float = 20
    heartbeat: float = 3  # an attempt that is silent for longer is given to another worker
    patience: float = 10  # what has no deadline needs attention after that
    first_retry: float = 0.2
    longest_retry: float = 2
    longest_undo_retry: float = 30  # also of a pivot, and of what follows it
    task_queue: str | None = None
    priority: int = 3  # from 1, first in its queue, to 5; an undo always has 1


class Step(NamedTuple):
    """What does a step, what undoes it, and the order for both, which holds their key."""

    name: str
    do: Callable[..., Awaitable[Any]]
    undo: Callable[..., Awaitable[Any]] | None
    order: Any
    options: Options = Options()
    summary: str = ""


class Outcome(NamedTuple):
    """What became of a step: its activity's result or error, and why it is not done, for people."""

    state: State = State.NOT_ATTEMPTED
    reason: str | None = None
    result: Any = None
    error: ActivityError | None = None
    undone: Any = None  # its undo's result


@dataclass(frozen=True)
class Settlement:
    """The input of the update `settle`: who resolved a step by other means, and what was done."""

    step: str
    by: str
    note: str
    done: bool = True  # only a pivot can be settled as not done


class Saga:
    """The steps of one workflow, what became of each, and the undos that are owed for them.

    `changed` is called when there is something new to publish; `settled` is awaited when a person
    has settled a step.
    """

    def __init__(
        self, changed: Callable[[], None], settled: Callable[[Step], Awaitable[None]]
    ) -> None:
        self.owed: list[Step] = []
        self.outcomes: dict[str, Outcome] = {}
        self.reason: str | None = None
        self.settlements: dict[str, Settlement] = {}
        self.unresolved: dict[str, Verb] = {}
        self._changed, self._settled = changed, settled
        self._phase, self._overdue = Status.RUNNING, dict[str, datetime]()
        self._trying: dict[str, Verb] = {}

    @property
    def status(self) -> Status:
        """Where the saga is; one that needs attention is still being tried."""
        return Status.NEEDS_ATTENTION if self._overdue else self._phase

    async def do(self, step: Step) -> Any:
        """Do a step that can be undone; return its activity's result.

        Raises `ActivityError` if it was refused, or not done by its deadline, and `CancelledError`
        if the workflow was asked to cancel, before the step or during it.
        """
        raise_if_cancelled()
        self.owed.append(step)  # before the step: one that fails may still have been done
        result = await uncancellable(self._try(Verb.DO, step))
        raise_if_cancelled()
        return result

    async def pivot(self, step: Step) -> Any:
        """Do the step from which on nothing is undone, and no cancellation changes anything.

        While its outcome is unknown it is tried again: no timeout may undo a saga whose pivot was
        done. Raises `ActivityError` if it was refused, or settled as not done.
        """
        raise_if_cancelled()
        result = await uncancellable(self._until_resolved(Verb.PIVOT, step))
        self._phase = Status.COMMITTED
        self._changed()
        return result

    async def after(self, step: Step) -> Any:
        """Do a step that follows the pivot, however long that takes."""
        return await uncancellable(self._until_resolved(Verb.AFTER, step))

    def owe(self, steps: list[Step]) -> None:
        """Take over steps that another run has done, so that this one can undo them."""
        self.owed += steps
        self.outcomes |= {step.name: Outcome(State.DONE) for step in steps}

    async def undo_all(self) -> None:
        """Undo in reverse what may have been done; return when the last undo has succeeded."""
        said = workflow.cancellation_reason()
        words = f"Cancelled by request: {said}" if said else "Cancelled by request."
        self.reason = self.reason or words
        self._phase = Status.UNDOING
        self._changed()
        await uncancellable(self._undo_all())

    async def _undo_all(self) -> None:
        undos = []
        for step in reversed([step for step in self.owed if step.undo]):
            undos.append(asyncio.create_task(self._until_resolved(Verb.UNDO, step)))
            await workflow.wait_condition(lambda: self.unresolved.keys() <= self._overdue.keys())
        await asyncio.gather(*undos)

    async def _until_resolved(self, verb: Verb, step: Step) -> Any:
        """Try without a deadline; after a while it needs attention, and is still tried."""
        self.unresolved[step.name] = verb
        trying = asyncio.create_task(self._try(verb, step))
        with suppress(TimeoutError):
            await workflow.wait_condition(
                trying.done,
                timeout=step.options.patience,
                timeout_summary=f"Patience with the {step.name}",
            )
        if not trying.done():
            self._overdue[step.name] = workflow.now()
            self._describe()
            self._changed()
            await workflow.wait([trying])
            del self._overdue[step.name]
            self._describe()
            self._changed()
        del self.unresolved[step.name]
        return trying.result()

    async def _try(self, verb: Verb, step: Step) -> Any:
        before = self.outcomes.get(step.name, Outcome())
        while True:
            try:
                result = await self._attempts(verb, step)
            except ActivityError as error:
                last, settlement = last_failure(step, error), self.settlements.get(step.name)
                reason, refused = last.message, last.type == REFUSED
                if settlement:
                    reason = f"Settled by {settlement.by}: {settlement.note}"
                    if settlement.done:
                        outcome = before._replace(state=State.SETTLED, reason=reason)
                        self.outcomes[step.name] = outcome
                        return await self._settled(step)
                elif verb is Verb.DO and last.type == NO_PLACE and not is_cancelled():
                    continue  # a deadline is for attempts, and it has found no place for one
                elif verb in {Verb.UNDO, Verb.AFTER} or (verb is Verb.PIVOT and not refused):
                    # Its activity gave up, and yet it has to be done; each time costs history.
                    pause = 20 * step.options.longest_undo_retry
                    await workflow.sleep(pause, summary=f"Before the {step.name} is tried again")
                    continue
                self.reason, state = reason, State.REFUSED if refused else State.FAILED
                self.outcomes[step.name] = Outcome(state, reason, error=error)
                raise
            outcome = Outcome(State.DONE, result=result)
            if verb is Verb.UNDO:  # of a step that was not done, the outcome stays as it is
                outcome = before._replace(undone=result)
                if before.state is State.DONE:
                    outcome = outcome._replace(state=State.UNDONE, reason=self.reason)
            self.outcomes[step.name] = outcome
            return result

    async def _attempts(self, verb: Verb, step: Step) -> Any:
        """The result of the step's activity, unless a person settles it first."""
        do, undo, options = verb is Verb.DO, verb is Verb.UNDO, step.options
        longest = options.longest_retry if do else options.longest_undo_retry
        activity: Any = step.undo if undo else step.do
        self._trying[step.name] = verb
        self._describe()
        attempts = workflow.start_activity(
            activity,
            step.order,
            activity_id=f"{verb}:{step.name}",  # readers of the history know the step by it
            task_queue=options.task_queue,
            schedule_to_close_timeout=timedelta(seconds=options.deadline) if do else None,
            start_to_close_timeout=timedelta(seconds=options.attempt),
            heartbeat_timeout=timedelta(seconds=options.heartbeat),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=options.first_retry),
                maximum_interval=timedelta(seconds=max(longest, options.first_retry)),
                non_retryable_error_types=[REFUSED] if verb in {Verb.DO, Verb.PIVOT} else None,
            ),
            priority=Priority(priority_key=1 if undo else options.priority),
            summary=f"Undo {step.summary}" if undo else step.summary,
        )
        await workflow.wait_condition(lambda: attempts.done() or step.name in self.settlements)
        if not attempts.done():
            attempts.cancel()
        del self._trying[step.name]
        self._describe()
        return await attempts

    def _describe(self) -> None:
        """Say in Temporal's Web UI what is being tried; this is in no history."""
        now = [f"Trying to {verb} the {name}." for name, verb in self._trying.items()]
        now += [f"The {name} is stuck since {at:%F %T} UTC." for name, at in self._overdue.items()]
        workflow.set_current_details("\n".join(now))


class Settleable:
    """A workflow whose steps a person may settle; `saga` is made in its `__init__`."""

    saga: Saga

    @workflow.update
    async def settle(self, settlement: Settlement) -> None:
        """End the attempts at a step, or at its undo, that a person has resolved by other means."""
        self.saga.settlements[settlement.step] = settlement

    @settle.validator
    def _can_settle(self, settlement: Settlement) -> None:
        verb = self.saga.unresolved.get(settlement.step)
        if verb is None or not (settlement.done or verb is Verb.PIVOT):
            raise ApplicationError(f"There is nothing to settle at the {settlement.step} now.")


async def uncancellable(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, however often the workflow is cancelled in the meantime.

    One `asyncio.shield` is not enough: a cancellation would end the wait for it, and with it the
    workflow, while `work` still has undos to run.
    """
    task = asyncio.create_task(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await workflow.wait([task])
    return task.result()


def is_cancelled() -> bool:
    """Whether the workflow was asked to cancel, at whatever moment."""
    return workflow.cancellation_reason() is not None


def raise_if_cancelled() -> None:
    """Raise `CancelledError` if the workflow was asked to cancel."""
    if is_cancelled():
        raise asyncio.CancelledError


def close_as_canceled_if_asked() -> None:
    """End the run as Canceled, now that all is undone, if a cancellation was asked for.

    Temporal closes a run that returns as Completed, and as Canceled only one that raises this.
    """
    raise_if_cancelled()


def last_failure(step: Step, error: ActivityError) -> ApplicationError:
    """What the last attempt at a step said, or that it said nothing."""
    cause = error.cause.cause if isinstance(error.cause, ActivityTimeout) else error.cause
    if isinstance(cause, ApplicationError):
        return cause
    return ApplicationError(f"The {step.name} service did not answer in time.")
