"""The floor: a workflow of three activities that do nothing. `python -m bench.floor PORT`."""

import asyncio
import signal
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.service import GrpcCompression
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

TASK_QUEUE = "floor"


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
        for _ in range(3):
            text = await workflow.execute_activity(
                nothing, text, start_to_close_timeout=timedelta(seconds=20)
            )
        return text


async def connect(port: int) -> Client:
    """Connect, for the worker and for the load."""
    return await Client.connect(f"127.0.0.1:{port}", grpc_compression=GrpcCompression.NONE)


async def main(port: int) -> None:
    """Run a worker until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Worker(
        await connect(port),
        task_queue=TASK_QUEUE,
        workflows=[FloorWorkflow],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    ):
        await stop.wait()
    await asyncio.sleep(0.25)  # sdk-python issue 300


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
