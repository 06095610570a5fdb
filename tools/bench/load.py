"""The load process: `python -m tools.bench.load http|floor|lean|local PORT`.

It reads a `Task` per line, and prints a `Done` for each.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

from temporalio.client import Client

from bookings.client import let_sdk_rest
from tools.bench.floor import FloorWorkflow, connect

Book = Callable[[], Awaitable[str]]

NO_WORKER = timedelta(minutes=1)
"""After this the load fails, instead of waiting for ever for a worker that has died."""


class Trip(NamedTuple):
    """The items to book, and the expected `cancelled` in the response; None: do not wait for it."""

    car: str
    flight: str
    cancelled: bool | None


TRIPS = {
    "happy": Trip("a-car", "a-flight", False),
    "rollback": Trip("a-car", "invalid-flight", True),
    "unwaited": Trip("a-car", "a-flight", None),
    "stuck": Trip("stuck-car", "invalid-flight", None),
}


class Task(NamedTuple):
    """`bookings` in all, by `clients` at once, started `stagger` seconds apart.

    `path` is a name in `TRIPS`.
    """

    clients: int
    bookings: int
    path: str = "happy"
    stagger: float = 0


class Done(NamedTuple):
    """The seconds of a task, the milliseconds of each booking, and the load's own CPU time."""

    seconds: float
    latencies: list[float]
    cpu_ms: float
    last_id: str


class HttpClient:
    """Books over one connection, with minimal HTTP."""

    def __init__(self, port: int, trip: Trip) -> None:
        self.port = port
        self.cancelled = trip.cancelled
        body = json.dumps(
            {"name": "Ada Load", "car": trip.car, "hotel": "a-hotel", "flight": trip.flight}
        )
        prefer = "" if self.cancelled is not None else "Prefer: wait=0\r\n"
        self.request = (
            "POST /book HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"{prefer}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def book(self) -> str:
        """Book a trip, and return its id."""
        reader, writer = self.streams or await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self.request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        answer = json.loads(await reader.readexactly(length))
        keep = head.startswith("http/1.1") and "connection: close" not in head
        self.streams = (reader, writer) if keep else None
        if not keep:
            writer.close()
        if answer.get("cancelled") is not self.cancelled:
            raise RuntimeError(f"unexpected response: {answer}")
        booking_id: str = answer["booking_id"]
        return booking_id

    def close(self) -> None:
        """Close the connection."""
        if self.streams:
            self.streams[1].close()


async def floor(client: Client, task_queue: str) -> str:
    """Run one workflow of the floor, and return its id."""
    workflow_id = f"floor-{uuid.uuid4().hex}"
    await client.execute_workflow(
        FloorWorkflow.run,
        "nothing",
        id=workflow_id,
        task_queue=task_queue,
        execution_timeout=NO_WORKER,
    )
    return workflow_id


async def run(task: Task, books: list[Book]) -> Done:
    """Do a task; `books` has a function for each client."""
    latencies: list[float] = []
    left = task.bookings
    last_id = ""

    async def client(index: int, book: Book) -> None:
        nonlocal left, last_id
        await asyncio.sleep(index * task.stagger)
        while left:
            left -= 1
            begun = time.perf_counter()
            last_id = await book()
            latencies.append((time.perf_counter() - begun) * 1000)

    cpu, begun = time.process_time(), time.perf_counter()
    await asyncio.gather(*map(client, range(task.clients), books))
    seconds = time.perf_counter() - begun
    return Done(seconds, latencies, (time.process_time() - cpu) * 1000, last_id)


async def main(kind: str, port: int) -> None:
    """Do the tasks on stdin."""
    temporal = await connect(kind, port) if kind != "http" else None
    while line := await asyncio.to_thread(sys.stdin.readline):
        task = Task(*json.loads(line))
        if temporal:
            done = await run(task, [lambda: floor(temporal, kind)] * task.clients)
        else:
            clients = [HttpClient(port, TRIPS[task.path]) for _ in range(task.clients)]
            done = await run(task, [client.book for client in clients])
            for client in clients:
                client.close()
        print(json.dumps(done), flush=True)
    await let_sdk_rest()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
