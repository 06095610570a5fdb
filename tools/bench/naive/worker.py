"""The naive service's worker: `python -m tools.bench.naive.worker PORT`."""

import asyncio
import sys

from temporalio.client import Client
from temporalio.worker import Worker

from tools.bench.naive import activities
from tools.bench.naive.shared import TASK_QUEUE
from tools.bench.naive.workflow import NaiveWorkflow


async def main(port: str) -> None:
    """Run a worker with default settings."""
    client = await Client.connect(f"localhost:{port}")
    worker = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[NaiveWorkflow],
        activities=[
            activities.book_car,
            activities.book_hotel,
            activities.book_flight,
            activities.undo_book_car,
            activities.undo_book_hotel,
            activities.undo_book_flight,
        ],
    )
    print("Starting worker")
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
