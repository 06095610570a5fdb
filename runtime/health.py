"""What a supervisor asks a worker: does it live, and is it ready."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus

from temporalio.service import RPCError
from temporalio.worker import Worker

from settings import give_up

REQUEST_SECONDS = 2.0
"""How long a client may take for a whole exchange."""

Question = Callable[[], Awaitable[bool]]


class WorkerHealth:
    """How a worker process is; `worker` is set once it has connected.

    Args:
        stopping: Set once the process has been asked to stop.
    """

    def __init__(self, stopping: asyncio.Event) -> None:
        self.worker: Worker | None = None
        self._stopping = stopping

    async def lives(self) -> bool:
        """Whether a restart would not help; a process that waits for Temporal lives."""
        return self.worker is None or not self.worker.is_shutdown

    async def is_ready(self) -> bool:
        """Whether the worker takes tasks, and Temporal can be reached."""
        if self.worker is None or not self.worker.is_running or self._stopping.is_set():
            return False
        try:
            service = self.worker.client.service_client
            return await service.check_health(timeout=timedelta(seconds=REQUEST_SECONDS / 2))
        except RPCError:
            return False


@asynccontextmanager
async def health_served(address: str, health: WorkerHealth) -> AsyncIterator[None]:
    """Answer `/livez` and `/readyz` with 200 or 503; nothing is answered while the loop is blocked.

    Args:
        address: An IP address and a port; empty: nothing is served.
        health: Who knows.
    """
    if not address:
        yield
        return
    questions = {b"/livez": health.lives, b"/readyz": health.is_ready}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status = await status_of(questions.get(head.split()[1]))
                words = f"{status} {status.phrase}"
                body = f"HTTP/1.1 {words}\r\nContent-Length: {len(words)}\r\n\r\n{words}"
                writer.write(body.encode())
                await writer.drain()
        except (OSError, EOFError, IndexError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the client has gone, is too slow, or does not speak HTTP
        finally:
            writer.close()

    host, _, port = address.rpartition(":")
    try:
        server = await asyncio.start_server(answer, host.strip("[]"), int(port))
    except (OSError, OverflowError) as error:
        give_up(
            f"WORKER_HEALTH_ADDRESS={address} cannot be served ({error}). "
            "Set it to a free port, such as 127.0.0.1:8080."
        )
    try:
        yield
    finally:
        server.close()


async def status_of(question: Question | None) -> HTTPStatus:
    """The answer to a question."""
    if question is None:
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.OK if await question() else HTTPStatus.SERVICE_UNAVAILABLE
