"""Promise 13, towards partners: whatever one sends costs a bounded time and memory."""

import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import repeat

import httpx2
import pytest

from suppliers import Invalid
from suppliers.http import MAX_ANSWER, HttpSupplier
from tests.suppliers.shops import ITEM, KEY

GOOD = json.dumps({"key": KEY, "item": ITEM}).encode()

Misbehaves = Callable[[socket.socket, threading.Event], None]


@contextmanager
def partner(misbehaves: Misbehaves) -> Iterator[str]:
    """A partner that reads a request, and then does as it likes until the test is over."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            misbehaves(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)


def head(status: int = 201, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Answer", *lines, "", ""]).encode()


def drips_its_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nX: ")
    while not over.wait(0.05):
        connection.sendall(b"x")


def drips_its_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(head(201, "Transfer-Encoding: chunked"))
    while not over.wait(0.05):
        connection.sendall(b"1\r\nx\r\n")


def never_answers(connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def never_ends(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(head(201, "Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    for _ in repeat(None):
        connection.sendall(chunk)


def sends_a_bomb(connection: socket.socket, over: threading.Event) -> None:
    body = gzip.compress(bytes(200_000_000))
    connection.sendall(head(201, "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)


def resets(connection: socket.socket, over: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hangs_up_in_the_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(head(201, "Content-Length: 100") + GOOD[:20])


def answers(body: bytes, status: int = 201) -> Misbehaves:
    def misbehaves(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head(status, f"Content-Length: {len(body)}") + body)

    return misbehaves


@pytest.mark.parametrize(
    "misbehaves",
    [
        drips_its_head,
        drips_its_body,
        never_answers,
        never_ends,
        sends_a_bomb,
        resets,
        hangs_up_in_the_body,
        answers(b"<html>Maintenance</html>"),
        answers(b""),
        answers(json.dumps({"key": "another", "item": ITEM}).encode()),
        answers(json.dumps([KEY]).encode()),
        answers(GOOD.ljust(MAX_ANSWER + 1)),
    ],
)
def test_the_outcome_is_unknown_and_the_call_ends(misbehaves: Misbehaves) -> None:
    with (
        partner(misbehaves) as url,
        closing(HttpSupplier(url, "flight", deadline=1)) as supplier,
        pytest.raises((OSError, RuntimeError, httpx2.HTTPError)),
    ):
        supplier.reserve(KEY, ITEM, "Ada")


@pytest.mark.parametrize("status", [200, 201])
def test_the_contract_s_answer_is_a_booking(status: int) -> None:
    with (
        partner(answers(GOOD, status)) as url,
        closing(HttpSupplier(url, "flight")) as supplier,
    ):
        supplier.reserve(KEY, ITEM, "Ada")


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("No \ud800 rooms", "No rooms"),
        ("No\x1b[31m rooms\x00", "No[31m rooms"),
        ("\u202eNo rooms\u2066", "No rooms"),
    ],
)
def test_a_partner_s_words_are_cleaned(detail: str, words: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    with (
        partner(answers(body, 422)) as url,
        closing(HttpSupplier(url, "flight")) as supplier,
        pytest.raises(Invalid) as error,
    ):
        supplier.reserve(KEY, ITEM, "Ada")
    assert str(error.value) == words


def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with partner(answers(b"", 204)) as url:
        secret_url = url.replace("http://", "http://partner:hunter2@")
        with closing(HttpSupplier(secret_url, "flight", "s3cret")) as supplier:
            supplier.settle(KEY, "Settled by Ann: phoned Ada")
    assert not any(word in caplog.text for word in ("hunter2", "s3cret", "Ann", "Ada"))
