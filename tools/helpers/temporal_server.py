"""A throw-away Temporal server for tests."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from local.binary import find_or_get_binary
from local.run_temporal import SEARCH_ATTRIBUTES, server_command


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def temporal_server(
    port: int | None = None, search_attributes: Mapping[str, str] = SEARCH_ATTRIBUTES
) -> Iterator[int]:
    """Run a new, empty server in memory, on a free port if none is given; the value is its port."""
    port = port or free_port()
    binary = find_or_get_binary()
    command = server_command(binary, port=port, search_attributes=search_attributes)
    server = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        while not listens(port):
            assert server.poll() is None, "Temporal's server ended while it started"
            assert time.monotonic() < deadline, "Temporal's server is not there after 60 s"
        yield port
    finally:
        server.terminate()
        server.wait()


def listens(port: int) -> bool:
    """Whether somebody listens on a port of loopback; asks for at most a twentieth of a second."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.05):
            return True
    except OSError:
        time.sleep(0.05)
        return False
