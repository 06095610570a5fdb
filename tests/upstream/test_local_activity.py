"""A local activity that timed out is another exception when its workflow is replayed.

These tests hold what the SDK does today: when one turns red, it may have been mended.
"""

from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer, Worker

from tests.upstream.lateness import CatchesActivityError, CatchesAny, too_slow


def worker(client: Client, queue: str) -> Worker:
    workflows = [CatchesAny, CatchesActivityError]
    return Worker(client, task_queue=queue, workflows=workflows, activities=[too_slow])


async def ran(client: Client, queue: str, kind: type) -> WorkflowHandle[Any, Any]:
    async with worker(client, queue):
        handle = await client.start_workflow(kind.__name__, id=uuid4().hex, task_queue=queue)
        await handle.result()
    return handle


async def test_it_is_an_activity_error_only_as_long_as_it_is_not_replayed(client: Client) -> None:
    queue = uuid4().hex
    handle = await ran(client, queue, CatchesAny)
    assert await handle.result() == ["ActivityError", "TimeoutError"]
    async with worker(client, queue):  # a new worker has to replay
        assert await handle.query(CatchesAny.what) == ["TimeoutError"]


async def test_a_workflow_that_caught_it_cannot_be_replayed(client: Client) -> None:
    handle = await ran(client, uuid4().hex, CatchesActivityError)
    replayer = Replayer(workflows=[CatchesActivityError])
    replayed = await replayer.replay_workflow(
        await handle.fetch_history(), raise_on_replay_failure=False
    )
    assert "TMPRL1100" in str(replayed.replay_failure), "non-determinism"
