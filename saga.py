"""The saga of any workflow: all of its steps are done, or those that were are undone in reverse.

A file to copy, with its test `tests/saga/test_core.py`; it needs nothing but `temporalio`.
Version 1.0, MIT License, Copyright (c) 2026 the trip-booking maintainers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
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
        self._phase, self._overdue = Status.RUNNING, set[str]()

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
            await workflow.wait_condition(lambda: self.unresolved.keys() <= self._overdue)
        await asyncio.gather(*undos)

    async def _until_resolved(self, verb: Verb, step: Step) -> Any:
        """Try without a deadline; after a while, it needs attention."""
        self.unresolved[step.name] = verb
        trying = asyncio.create_task(self._try(verb, step))
        await workflow.wait([trying], timeout=step.options.patience)
        if not trying.done():
            self._overdue.add(step.name)
            self._changed()
            await workflow.wait([trying])
            self._overdue.remove(step.name)
            self._changed()
        del self.unresolved[step.name]
        return trying.result()

    async def _try(self, verb: Verb, step: Step) -> Any:
        before = self.outcomes.get(step.name, Outcome())
        while True:
            try:
                result = await self._attempts(verb, step)
            except ActivityError as error:
                outcome = self._given_up(verb, step, error)
                if outcome is None:
                    await workflow.sleep(longest_retry(verb, step.options))
                    continue
                self.outcomes[step.name] = outcome
                if outcome.state is not State.SETTLED:
                    self.reason = outcome.reason
                    raise
                await self._settled(step)
                return None
            if verb is not Verb.UNDO:
                self.outcomes[step.name] = Outcome(State.DONE, result=result)
            elif before.state is State.DONE:
                self.outcomes[step.name] = before._replace(state=State.UNDONE, reason=self.reason)
            return result

    def _given_up(self, verb: Verb, step: Step, error: ActivityError) -> Outcome | None:
        """What becomes of a step that is not tried any more; None: it has to be tried again."""
        settlement, refused = self.settlements.get(step.name), is_refusal(error)
        if settlement:
            state = State.SETTLED if settlement.done else State.FAILED
            reason = f"Settled by {settlement.by}: {settlement.note}"
            return self.outcomes.get(step.name, Outcome())._replace(state=state, reason=reason)
        if verb is Verb.DO and was_not_made(error) and workflow.cancellation_reason() is None:
            return None
        if verb is Verb.DO or (verb is Verb.PIVOT and refused):
            state = State.REFUSED if refused else State.FAILED
            return Outcome(state, in_words(step, error), error=error)
        return None

    async def _attempts(self, verb: Verb, step: Step) -> Any:
        """The activity's result; a settlement cancels it."""
        undo, options = verb is Verb.UNDO, step.options
        does: Any = step.undo if undo else step.do
        deadline = timedelta(seconds=options.deadline)
        activity = workflow.start_activity(
            does,
            step.order,
            activity_id=f"{verb}:{step.name}",  # what readers of the history know a step by
            task_queue=options.task_queue,
            schedule_to_close_timeout=deadline if verb is Verb.DO else None,
            start_to_close_timeout=timedelta(seconds=options.attempt),
            heartbeat_timeout=timedelta(seconds=options.heartbeat),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=options.first_retry),
                maximum_interval=timedelta(seconds=longest_retry(verb, options)),
                non_retryable_error_types=[REFUSED] if verb in {Verb.DO, Verb.PIVOT} else None,
            ),
            priority=Priority(priority_key=1 if undo else options.priority),
            summary=f"Undo {step.summary}" if undo else step.summary,
        )
        await workflow.wait_condition(lambda: activity.done() or step.name in self.settlements)
        if not activity.done():
            activity.cancel()
        return await activity


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
    """Run `work` to its end, however often the workflow is cancelled meanwhile.

    One `asyncio.shield` is not enough: a cancellation would end the wait for it, and with it the
    workflow, while `work` still has undos to run.
    """
    task = asyncio.create_task(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await workflow.wait([task])
    return task.result()


def raise_if_cancelled() -> None:
    """Raise `CancelledError` once the workflow was asked to cancel, at whatever moment that was."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


def close_as_canceled_if_asked() -> None:
    """End the run as Canceled, now that all is undone, if a cancellation was asked for.

    Temporal closes a run as Completed if it returns, and as Canceled only if this is raised.
    """
    raise_if_cancelled()


def is_refusal(error: ActivityError) -> bool:
    """Whether a step said no, so that nothing was done; any other failure leaves that unknown."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == REFUSED


def last_failure(error: ActivityError) -> ApplicationError | None:
    """What the last attempt said before the step failed or timed out, if it said anything."""
    cause = error.cause.cause if isinstance(error.cause, ActivityTimeout) else error.cause
    return cause if isinstance(cause, ApplicationError) else None


def was_not_made(error: ActivityError) -> bool:
    """Whether the last attempt found no place."""
    last = last_failure(error)
    return last is not None and last.type == NO_PLACE


def in_words(step: Step, error: ActivityError) -> str:
    """Why a step failed, for people."""
    last = last_failure(error)
    return last.message if last else f"The {step.name} service did not answer in time."


def longest_retry(verb: Verb, options: Options) -> float:
    """The longest pause between two attempts."""
    return options.longest_retry if verb is Verb.DO else options.longest_undo_retry
