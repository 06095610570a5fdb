"""The saga with a first try of each step in the workflow's own task, which costs about half.

Such a try is a local activity: it is in no history until the workflow's task has ended, and a task
may be lost. What follows from that is kept here, but for one rule, which is the workflow's: it owes
all undos, as a lost task may have done any of its steps.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from saga import REFUSED, Saga, Step, Verb


class FirstTries(Saga):
    """A saga that tries a step or an undo once, for `seconds`, before it is done as in any saga.

    A step's first try is part of its deadline, and a refusal is final. Steps that have a task queue
    of their own have none: only the workers of that queue can do them. With 0 seconds, none has.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        settled: Callable[[Step], Awaitable[None]],
        seconds: float,
    ) -> None:
        super().__init__(changed, settled)
        self._seconds = seconds

    async def _attempts(self, verb: Verb, step: Step) -> Any:
        if not self._is_safe(verb, step):
            return await super()._attempts(verb, step)
        try:
            return await self._first_try(verb, step)
        except FailureError as error:
            # A refusal comes as it is, and a timeout inside an `ActivityError`, but in a replay as
            # it is: what is caught here must not tell the two apart.
            why = error.cause if isinstance(error, ActivityError) else error
        if verb is Verb.DO and isinstance(why, ApplicationError) and why.type == REFUSED:
            raise refused(step, why) from why
        left = step.options.deadline - self._seconds
        return await super()._attempts(
            verb, step._replace(options=step.options._replace(deadline=left))
        )

    def _is_safe(self, verb: Verb, step: Step) -> bool:
        """Whether a first try is harmless even if its task is lost.

        A step's is: its undo is owed, and fences. But a worker that was frozen may continue with an
        undo after another has decided to book, unless the decision is in the history: so the first
        undo is never tried here, and is in the history once the others begin.
        """
        first_undo = [it.name for it in self.owed if it.undo][-1:]
        late_enough = verb is Verb.DO or (verb is Verb.UNDO and [step.name] != first_undo)
        return late_enough and step.options.task_queue is None and self._seconds > 0

    async def _first_try(self, verb: Verb, step: Step) -> Any:
        undo = verb is Verb.UNDO
        activity: Any = step.undo if undo else step.do
        return await workflow.execute_local_activity(
            activity,
            step.order,
            activity_id=f"{verb}:{step.name}",
            schedule_to_close_timeout=timedelta(seconds=self._seconds),
            retry_policy=RetryPolicy(maximum_attempts=1),
            summary=f"Undo {step.summary}" if undo else step.summary,
        )


def refused(step: Step, refusal: ApplicationError) -> ActivityError:
    """The refusal of a first try in the shape in which any other activity's comes."""
    return ActivityError(
        refusal.message,
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=step.name,
        activity_id=f"{Verb.DO}:{step.name}",
        retry_state=None,
    )
