"""A temporary Temporal server for tests."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bookings.search_attributes import SEARCH_ATTRIBUTES
from local.binary import find_or_get_binary
from local.run_temporal import server_command


def free_port() -> int:
    """A free port on loopback, which no outgoing connection takes before it is used.

    Linux, macOS and Windows give those ports from 32768 on, and so they do for port 0.
    """
    while True:
        port = secrets.choice(range(10_000, 32_000))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses connections, and that no other program can take inside."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
        yield port


TRIES = 3
"""A port that is free when it is chosen may be taken before the server has it."""


@contextmanager
def temporal_server(
    port: int | None = None, search_attributes: Mapping[str, str] = SEARCH_ATTRIBUTES
) -> Iterator[int]:
    """Run a new, empty server in memory, by default on a free port, and yield its port."""
    for chosen in [port] if port else (free_port() for _ in range(TRIES)):
        binary = find_or_get_binary()
        command = server_command(binary, port=chosen, search_attributes=search_attributes)
        server = subprocess.Popen(command)
        try:
            if not is_up(server, binary, chosen):
                continue
            yield chosen
            return
        finally:
            server.terminate()
            server.wait()
    raise AssertionError("Temporal's server ended during its start")


def is_up(server: "subprocess.Popen[bytes]", binary: Path, port: int) -> bool:
    """Wait until the server, which listens before that, is healthy; false if it has ended."""
    ask = [str(binary), "operator", "cluster", "health", f"--address=127.0.0.1:{port}"]
    deadline = time.monotonic() + 60
    while not (listens(port) and subprocess.run(ask, capture_output=True).returncode == 0):
        if server.poll() is not None:
            return False
        assert time.monotonic() < deadline, "Temporal's server was not up after 60 s"
    return True


def listens(port: int) -> bool:
    """Whether a program listens on a port of loopback; otherwise it waits for 50 ms."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.05):
            return True
    except OSError:
        time.sleep(0.05)
        return False
