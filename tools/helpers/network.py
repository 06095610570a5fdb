"""Neighbours on the network that misbehave: a mute server, and a proxy that interferes."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any


@dataclass
class Exchange:
    """A request that has come to a proxy; after its `Interference` the connection is closed.

    Attributes:
        request: The whole request.
        client: The connection that it came on.
        over: Is set when the proxy ends; what waits must not wait for longer.
    """

    request: bytes
    client: socket.socket
    over: threading.Event
    service_port: int

    @property
    def path(self) -> str:
        """The path that the request names."""
        return self.request.split(b" ", 2)[1].decode()

    def forward(self) -> bytes:
        """Send the request to the service, and return the whole response."""
        with socket.create_connection(("127.0.0.1", self.service_port)) as service:
            service.sendall(self.request)
            return b"".join(iter(lambda: service.recv(65536), b""))


Interference = Callable[[Exchange], None]


def none(exchange: Exchange) -> None:
    """Let the request and the response pass."""
    exchange.client.sendall(exchange.forward())


def black_hole(exchange: Exchange) -> None:
    """Never answer."""
    exchange.over.wait()


class About:
    """Interferes with all requests about one item, also with its undos, until it is `healed`."""

    def __init__(self, item: str, interference: Interference) -> None:
        self.item = item
        self.interference = interference
        self.paths: set[str] = set()
        self.healed = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        """Interfere with a request, or let it pass."""
        if self.item.encode() in exchange.request:
            self.paths.add(exchange.path)
        affected = exchange.path in self.paths and not self.healed.is_set()
        (self.interference if affected else none)(exchange)


@contextmanager
def proxy(service_port: int, interference: Interference) -> Iterator[int]:
    """A proxy before an HTTP service on loopback; its port."""
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                if request := read_request(self.rfile):
                    interference(Exchange(request, self.connection, over, service_port))

    with serving(Handler) as port:
        try:
            yield port
        finally:
            over.set()


@contextmanager
def mute_server() -> Iterator[int]:
    """A server that accepts connections and never speaks; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while self.request.recv(65536):
                    pass

    with serving(Handler) as port:
        yield port


def read_request(stream: BufferedIOBase) -> bytes:
    """A request, marked as the last one of its connection; empty if the client has hung up."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    body = stream.read(int(length[1])) if length else b""
    return head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body


class Server(socketserver.ThreadingTCPServer):
    """A server on loopback with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 500

    def shutdown_request(self, request: Any) -> None:
        """Close the connection, and leave it to its options how."""
        self.close_request(request)


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """A server on a free port, which is yielded."""
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
