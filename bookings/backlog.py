"""How far behind the workers are, asked of Temporal."""

import asyncio
from time import monotonic

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from shared import TASK_QUEUE_NAME

FRESH_SECONDS = 1.0
KINDS = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


class Backlog:
    """The age of the oldest task that waits for a worker; used on one event loop only."""

    def __init__(self, client: Client) -> None:
        self._client = client
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
                age = max(await asyncio.gather(*map(self._age_of, KINDS)))
                self._known = age, monotonic()
            return age

    async def _age_of(self, kind: TaskQueueType.ValueType) -> float:
        queue = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=TASK_QUEUE_NAME),
                task_queue_type=kind,
                report_stats=True,
            )
        )
        return queue.stats.approximate_backlog_age.ToTimedelta().total_seconds()
