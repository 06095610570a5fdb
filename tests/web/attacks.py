"""Clients that are slow, silent or rude: `python -m tests.web.attacks <name> <port>`.

It is a process of its own: it needs more open files than the tests may have, and a service that
it slows down must not be slowed down by the attack's own work too. It says "ready" once all of its
connections have been made, and goes on until it is killed, or for two minutes.
"""

import argparse
import asyncio
import resource
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]

SECONDS = 120
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /book HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def drip(writer: asyncio.StreamWriter, start: bytes) -> None:
    """Send a byte now and then, until the service has had enough."""
    writer.write(start)
    while True:
        await writer.drain()
        await asyncio.sleep(1)
        writer.write(b"x")


async def header_drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header that does not end."""
    await drip(writer, HEALTH + b"X: ")


async def body_drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body that does not end, of a size that is allowed."""
    await drip(writer, POST + b"Content-Length: 16000\r\n\r\n{")


async def chunk_drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same in a chunk."""
    await drip(writer, POST + b"Transfer-Encoding: chunked\r\n\r\n3e80\r\n{")


async def not_hung_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the answer and the end of the connection, and do not hang up."""
    writer.write(HEALTH + b"Connection: close\r\n\r\n")
    await reader.read()
    await asyncio.sleep(5)


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same after what is no request."""
    writer.write(b"XX\r\n\r\n")
    await reader.read()
    await asyncio.sleep(5)


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await reader.read()


async def slow_reader(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for a page again and again, and never read."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        writer.write(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n" * 120)
        await writer.drain()
        await asyncio.sleep(1)


ATTACKS: dict[str, tuple[int, Client]] = {
    "not-hung-up": (40, not_hung_up),
    "nonsense": (40, nonsense),
    "header-drip": (500, header_drip),
    "body-drip": (500, body_drip),
    "chunk-drip": (500, chunk_drip),
    "silent": (990, silent),
    "slow-reader": (60, slow_reader),
}


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with the least room for answers that have not been read."""
    wire = socket.socket()
    wire.setblocking(False)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    try:
        await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", port))
        return await asyncio.open_connection(sock=wire)
    except OSError:
        wire.close()
        raise


async def attack(name: str, port: int) -> None:
    """Keep up as many connections as the attack has, and make a new one for each that ends."""
    connections, client = ATTACKS[name]
    made = 0

    async def again_and_again() -> None:
        nonlocal made
        first = True
        while True:
            with suppress(OSError):
                reader, writer = await connect(port)
                made += first
                first = False
                if made == connections:
                    made += 1
                    print("ready", flush=True)
                try:
                    await client(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.1)  # a service that is full refuses at once

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(again_and_again())


def main() -> None:
    """Attack a service on this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    with suppress(TimeoutError):
        asyncio.run(attack(arguments.name, arguments.port))


if __name__ == "__main__":
    main()
