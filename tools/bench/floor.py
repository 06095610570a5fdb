"""The floor, three activities that do nothing: `python -m tools.bench.floor floor PORT`.

`lean` instead of `floor` omits what the SDK can do without: the sandbox and compression. `local` is
as lean, and its activities are local ones.
"""

import asyncio
import signal
import sys
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.service import GrpcCompression
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    PollerBehaviorSimpleMaximum,
    UnsandboxedWorkflowRunner,
    Worker,
)

LOCAL = "local"
LEAN = {"lean", LOCAL}

POLLERS = 50
"""As in ours, but not imported: the floor's sandbox would load our modules for each workflow."""

REST = 0.25
"""As in `bookings.client.let_sdk_rest`, which the sandbox could not load."""

TIMEOUT = timedelta(seconds=3)
"""As in ours, the server checks after that time whether a step is alive; see `bench.measure`."""


@activity.defn
async def nothing(text: str) -> str:
    """Do nothing."""
    return text


@workflow.defn
class FloorWorkflow:
    """What every booking needs of Temporal, and no more."""

    @workflow.run
    async def run(self, text: str) -> str:
        """Run three activities, one after the other."""
        local = workflow.info().task_queue == LOCAL
        execute = workflow.execute_local_activity if local else workflow.execute_activity
        for _ in range(3):
            text = await execute(nothing, text, start_to_close_timeout=TIMEOUT)
        return text


async def connect(kind: str, port: int) -> Client:
    """Connect the worker or the load."""
    if kind in LEAN:
        return await Client.connect(f"127.0.0.1:{port}", grpc_compression=GrpcCompression.NONE)
    return await Client.connect(f"127.0.0.1:{port}")


def spared(kind: str) -> dict[str, Any]:
    """The arguments of a lean worker."""
    if kind not in LEAN:
        return {}
    return {
        "workflow_runner": UnsandboxedWorkflowRunner(),
        "workflow_task_poller_behavior": PollerBehaviorSimpleMaximum(POLLERS),
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
    }


async def main(kind: str, port: int) -> None:
    """Run a worker until SIGTERM, on the task queue of that kind."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(kind, port)
    async with Worker(
        client,
        task_queue=kind,
        workflows=[FloorWorkflow],
        activities=[nothing],
        **spared(kind),
    ):
        await stop.wait()
    await asyncio.sleep(REST)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
