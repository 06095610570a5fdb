"""How far behind the workers are, asked of Temporal."""

import asyncio
from collections.abc import Iterable
from itertools import starmap
from time import monotonic
from typing import NamedTuple

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from shared import TASK_QUEUE_NAME

FRESH_SECONDS = 1.0
WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


class Backlog:
    """The age of the oldest task that waits for a worker; used on one event loop only.

    Args:
        client: A client of the server with the task queues.
        legs: The queues that some legs have for themselves: every trip needs them too.
    """

    def __init__(self, client: Client, legs: Iterable[str] = ()) -> None:
        self._client = client
        self._queues = [(TASK_QUEUE_NAME, WORKFLOW), (TASK_QUEUE_NAME, ACTIVITY)]
        self._queues += [(queue, ACTIVITY) for queue in legs]
        self._known: tuple[float, float] = (0.0, float("-inf"))
        self._asking = asyncio.Lock()

    async def age(self) -> float:
        """Seconds that the oldest task has waited, as of a second ago at most.

        Raises:
            RPCError: Temporal does not say.
        """
        async with self._asking:  # however many ask, Temporal is asked once
            age, asked_at = self._known
            if monotonic() - asked_at > FRESH_SECONDS:
                age = max(await asyncio.gather(*starmap(self._age_of, self._queues)))
                self._known = age, monotonic()
            return age

    async def _age_of(self, queue: str, kind: TaskQueueType.ValueType) -> float:
        return (await waiting_tasks(self._client, queue, kind)).age


class Waiting(NamedTuple):
    """About how many tasks wait for a worker, and for how many seconds the oldest has."""

    tasks: int
    age: float


async def waiting_tasks(client: Client, queue: str, kind: TaskQueueType.ValueType) -> Waiting:
    """What waits on a task queue.

    Raises:
        RPCError: Temporal does not say.
    """
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=kind,
            report_stats=True,
        )
    )
    stats = described.stats
    age = stats.approximate_backlog_age.ToTimedelta().total_seconds()
    return Waiting(stats.approximate_backlog_count, age)
