"""Partners that misbehave: each reads one request from a raw socket, and does as it likes."""

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat

from tests.suppliers.shops import ITEM, KEY

GOOD = json.dumps({"key": KEY, "item": ITEM}).encode()
CHUNKED = "Transfer-Encoding: chunked"

Misbehaves = Callable[[socket.socket, threading.Event], None]
"""What it does with a connection; the event says that the test is over."""


@contextmanager
def partner(
    misbehaves: Misbehaves, requests: list[bytes] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The URL of a partner, which serves each connection in its own thread, and notes requests."""
    noted = [] if requests is None else requests
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                noted.append(connection.recv(65536))
                misbehaves(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=[connection], daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"http{'s' if tls else ''}://localhost:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def head(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Answer", *lines, "", ""]).encode()


def drips_its_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nX: ")
    while not over.wait(0.05):
        connection.sendall(b"x")


def never_ends_its_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\n")
    for number in range(10_000_000):
        connection.sendall(b"X%d: %s\r\n" % (number, b"x" * 1000))


def never_begins(connection: socket.socket, over: threading.Event) -> None:
    for _ in repeat(None):
        connection.sendall(head(103) * 100)


def never_answers(connection: socket.socket, over: threading.Event) -> None:
    over.wait()


class Listens:
    """Nothing, until the client hangs up."""

    def __init__(self) -> None:
        self.hung_up = threading.Event()

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        connection.settimeout(20)
        while connection.recv(65536):
            pass
        self.hung_up.set()


def resets(connection: socket.socket, over: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def answers(body: bytes, status: int = 201, *lines: str) -> Misbehaves:
    def misbehaves(connection: socket.socket, over: threading.Event) -> None:
        more = "Connection: close", f"Content-Length: {len(body)}"
        connection.sendall(head(status, *more, *lines) + body)

    return misbehaves


class DripsItsBody:
    """The status, and then a byte now and then, until the client hangs up."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.hung_up = threading.Event()

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head(self.status, CHUNKED))
        try:
            while not over.wait(0.05):
                connection.sendall(b"1\r\nx\r\n")
        except OSError:
            self.hung_up.set()


class NeverEnds:
    """The status, and then as much as the client takes."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.sent = 0

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head(self.status, CHUNKED))
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        while not over.is_set():
            connection.sendall(chunk)
            self.sent += len(chunk)


def hangs_up_in_its_body(status: int = 201) -> Misbehaves:
    def misbehaves(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head(status, "Content-Length: 100") + GOOD[:20])

    return misbehaves


def resets_in_its_body(status: int = 201) -> Misbehaves:
    def misbehaves(connection: socket.socket, over: threading.Event) -> None:
        hangs_up_in_its_body(status)(connection, over)
        resets(connection, over)

    return misbehaves


def sends_a_bomb(status: int = 201) -> Misbehaves:
    return answers(gzip.compress(bytes(200_000_000)), status, "Content-Encoding: gzip")
