"""Networks between the worker and its suppliers, each of which does one thing to every request."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from threading import Lock

from shared import Leg
from suppliers.exchange import Access
from suppliers.http import HttpSupplier
from tools.helpers.network import Exchange, Interference, black_hole, none, proxy

LATE_SECONDS = 2
SHORT, LONG = 1.0, 15.0
"""Seconds that an exchange may take: where nothing comes, and where something does."""


class Late:
    """Deliver the request when its sender has given up."""

    def __init__(self) -> None:
        self.pending = 0
        self._lock = Lock()

    def __call__(self, exchange: Exchange) -> None:
        self._count(1)
        try:
            exchange.over.wait(LATE_SECONDS)
            exchange.forward()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.pending += change


late = Late()


def lose_request(exchange: Exchange) -> None:
    """Hang up, and deliver nothing."""


def lose_answer(exchange: Exchange) -> None:
    """Deliver the request, and hang up."""
    exchange.forward()


def halve_answer(exchange: Exchange) -> None:
    whole = exchange.forward()
    exchange.client.sendall(whole[: len(whole) // 2])


def garble_answer(exchange: Exchange) -> None:
    exchange.client.sendall(exchange.forward()[::-1])


def reset(exchange: Exchange) -> None:
    exchange.forward()
    exchange.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def answer_itself(status: str, body: str = "", *, deliver: bool = False) -> Interference:
    """Answer in place of the service, which may have had the request."""

    def interfere(exchange: Exchange) -> None:
        if deliver:
            exchange.forward()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        exchange.client.sendall((head + body).encode())

    return interfere


REFUSED = "refuses connections"
GOOD = "works"
LOSES_ANSWERS = "loses answers"

INTERFERENCES: dict[str, Interference] = {
    GOOD: none,
    "loses requests": lose_request,
    LOSES_ANSWERS: lose_answer,
    "halves answers": halve_answer,
    "garbles answers": garble_answer,
    "resets connections": reset,
    "delivers requests late": late,
    "swallows requests": black_hole,
    "fails before the service": answer_itself("500 Error"),
    "fails after the service": answer_itself("500 Error", deliver=True),
    "has had too many requests": answer_itself("429 Too Many Requests\r\nRetry-After: 1"),
    "redirects": answer_itself("302 Found\r\nLocation: http://127.0.0.1:1/"),
    "finds nothing": answer_itself("404 Not Found"),
    "shows a page": answer_itself("200 OK", "<h1>Maintenance</h1>"),
    "shows a page after the service": answer_itself("201 Created", "<h1>Hello</h1>", deliver=True),
}
SLOW = {"delivers requests late", "swallows requests"}
BAD = [REFUSED, *INTERFERENCES.keys() - {GOOD}]


@contextmanager
def networks(leg: Leg, port: int) -> Iterator[Mapping[str, HttpSupplier]]:
    """A leg's service on a port, as it is reached over each network."""
    with ExitStack() as stack:
        ports = {name: stack.enter_context(proxy(port, it)) for name, it in INTERFERENCES.items()}
        nobody = stack.enter_context(socket.socket())
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        ports[REFUSED] = nobody.getsockname()[1]
        yield {
            name: stack.enter_context(
                closing(
                    HttpSupplier(
                        f"http://127.0.0.1:{port}",
                        leg,
                        Access(deadline=SHORT if name in SLOW else LONG),
                    )
                )
            )
            for name, port in ports.items()
        }
