"""Checks the ports to listen on before anything starts."""

import asyncio
import errno
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import NamedTuple

from settings import give_up

GRACE_SECONDS = 2
"""Seconds for the processes of a killed earlier run to be gone."""


class Listener(NamedTuple):
    """A port that this program will listen on, and the variable that sets it."""

    variable: str
    host: str
    port: int


def require_free(listeners: Iterable[Listener]) -> None:
    """Make sure that all ports are free; end the process with one message if not."""
    deadline = time.monotonic() + GRACE_SECONDS
    with ExitStack() as held:  # all at once, to detect two of ours on one port
        for listener in listeners:
            held.enter_context(_listen(listener, deadline))


def _listen(listener: Listener, deadline: float) -> socket.socket:
    variable, host, port = listener
    while True:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, port), family=family)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                give_up(
                    f"Cannot listen on port {port} of {host}: {error.strerror}."
                    f" Check HOST and {variable}."
                )
            if time.monotonic() > deadline:
                give_up(
                    f"Port {port} is in use. Stop the program that listens on it,"
                    f" or set {variable} to another port."
                )
            time.sleep(0.1)


async def accepts(host: str, port: int) -> bool:
    """Whether a program accepts connections on a port."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def free_port() -> int:
    """A port of loopback that no program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def reachable(host: str) -> str:
    """The address, as in a URL, by which this machine reaches a listener on `host`."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{address}]" if ":" in address else address
