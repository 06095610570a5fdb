"""A workflow whose local activity times out, for the test of how that is replayed."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

SOON = timedelta(milliseconds=200)


@activity.defn
async def too_slow() -> None:
    await asyncio.sleep(30)


async def try_locally() -> None:
    once = RetryPolicy(maximum_attempts=1)
    await workflow.execute_local_activity(too_slow, start_to_close_timeout=SOON, retry_policy=once)


@workflow.defn
class CatchesAny:
    """It keeps the exception that it caught, with its causes, for its result and for queries."""

    def __init__(self) -> None:
        self.caught: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        try:
            await try_locally()
        except FailureError as error:
            cause: BaseException | None = error
            while cause:
                self.caught.append(type(cause).__name__)
                cause = cause.__cause__
        return self.caught

    @workflow.query
    def what(self) -> list[str]:
        return self.caught


@workflow.defn
class CatchesActivityError:
    """Continues after an `ActivityError`, as the SDK's documentation recommends."""

    @workflow.run
    async def run(self) -> None:
        try:
            await try_locally()
        except ActivityError:
            await workflow.sleep(0.01)
