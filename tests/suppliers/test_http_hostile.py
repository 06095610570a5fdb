"""Promise 13, towards partners: whatever one sends costs a bounded time and memory."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from time import monotonic
from typing import Any

import pytest

from suppliers import Invalid, SoldOut, Unavailable
from suppliers.exchange import Access
from suppliers.http import HttpSupplier
from tests.suppliers.partners import (
    GOOD,
    DripsItsBody,
    Listens,
    Misbehaves,
    NeverEnds,
    answers,
    drips_its_head,
    hangs_up_in_its_body,
    never_answers,
    never_begins,
    never_ends_its_head,
    partner,
    resets,
    resets_in_its_body,
    sends_a_bomb,
)
from tests.suppliers.shops import ITEM, KEY
from tools.helpers.processes import wait_until

LONG = 15
"""Seconds: much more than the deadlines here, for a busy machine, and less than an attempt has."""


@pytest.fixture(autouse=True)
def ends_in_time() -> Iterator[None]:
    """Nothing here lasts, and no thread of a supplier outlives it."""
    begun, before = monotonic(), threading.active_count()
    yield
    assert monotonic() - begun < LONG
    wait_until(lambda: threading.active_count() <= before)


def reserve(misbehaves: Misbehaves, deadline: float = 1) -> None:
    with (
        partner(misbehaves) as url,
        closing(HttpSupplier(url, "flight", Access(deadline=deadline))) as supplier,
    ):
        supplier.reserve(KEY, ITEM, "Ada")


@pytest.mark.parametrize(
    "misbehaves",
    [
        drips_its_head,
        never_ends_its_head,
        never_begins,
        never_answers,
        resets,
        DripsItsBody(),
        NeverEnds(),
        sends_a_bomb(),
        hangs_up_in_its_body(),
        resets_in_its_body(),
        answers(b"<html>Maintenance</html>"),
        answers(b""),
        answers(json.dumps({"key": "another", "item": ITEM}).encode()),
        answers(json.dumps({"key": [KEY]}).encode()),
        answers(json.dumps([KEY]).encode()),
        answers(GOOD.ljust(64 * 1024 + 1)),
    ],
)
def test_the_outcome_is_unknown_and_the_call_ends(misbehaves: Misbehaves) -> None:
    with pytest.raises(RuntimeError, match="flight supplier"):
        reserve(misbehaves)


@pytest.mark.parametrize(
    "misbehaves",
    [
        DripsItsBody(409),
        NeverEnds(409),
        sends_a_bomb(409),
        hangs_up_in_its_body(409),
    ],
)
def test_a_refusal_counts_whatever_its_body_does(misbehaves: Misbehaves) -> None:
    with pytest.raises(SoldOut, match='Flight "Alaska Airlines 123" is sold out'):
        reserve(misbehaves)


@pytest.mark.parametrize("status", [200, 201])
def test_the_contract_s_answer_is_a_booking(status: int) -> None:
    reserve(answers(GOOD, status), deadline=LONG)


@pytest.mark.parametrize(
    ("scheme", "hangs"), [("http", DripsItsBody()), ("http", Listens()), ("https", Listens())]
)
def test_the_connection_is_closed_at_the_deadline(
    scheme: str, hangs: DripsItsBody | Listens
) -> None:
    with partner(hangs) as url:
        url = url.replace("http", scheme)
        with closing(HttpSupplier(url, "flight", Access(deadline=0.5))) as supplier:
            with pytest.raises(Unavailable):
                supplier.reserve(KEY, ITEM, "Ada")
            assert hangs.hung_up.wait(LONG)


def test_little_of_an_endless_answer_is_read() -> None:
    endless = NeverEnds()
    with pytest.raises(RuntimeError):
        reserve(endless, deadline=LONG)
    assert endless.sent < 32 * 1024 * 1024  # what the machine's buffers hold, and not a stream


def test_many_calls_that_drip_end_together() -> None:
    with (
        partner(drips_its_head) as url,
        closing(HttpSupplier(url, "flight", Access(deadline=1))) as supplier,
        ThreadPoolExecutor(50) as threads,
    ):
        calls = [threads.submit(supplier.reserve, KEY, ITEM, "Ada") for _ in range(50)]
        for call in calls:
            assert isinstance(call.exception(LONG), RuntimeError)


def test_a_name_that_nobody_looks_up_does_not_hold_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = Event()
    look_up = socket.getaddrinfo

    def never(*arguments: Any, **options: Any) -> Any:
        go_on.wait()
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        with pytest.raises(RuntimeError, match="flight supplier"):
            reserve(answers(GOOD), deadline=0.5)
    finally:
        go_on.set()


def test_closing_a_supplier_ends_its_calls() -> None:
    requests: list[bytes] = []
    with partner(never_answers, requests) as url, ThreadPoolExecutor(1) as threads:
        supplier = HttpSupplier(url, "flight", Access(deadline=600))
        call = threads.submit(supplier.reserve, KEY, ITEM, "Ada")
        wait_until(lambda: bool(requests))
        supplier.close()
        assert isinstance(call.exception(LONG), Unavailable)


def test_no_compressed_answer_is_asked_for() -> None:
    requests: list[bytes] = []
    with partner(answers(GOOD), requests) as url, closing(HttpSupplier(url, "flight")) as supplier:
        supplier.reserve(KEY, ITEM, "Ada")
    assert b"accept-encoding: identity\r\n" in requests[0].lower()


def test_a_partner_leaves_no_cookies() -> None:
    requests: list[bytes] = []
    with (
        partner(answers(GOOD, 201, "Set-Cookie: a=b"), requests) as url,
        closing(HttpSupplier(url, "flight")) as supplier,
    ):
        for _ in range(2):
            supplier.reserve(KEY, ITEM, "Ada")
    assert len(requests) == 2
    assert not any(b"cookie" in request.lower() for request in requests)


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("No \ud800 rooms", "No rooms"),
        ("No\x1b[31m rooms\x00", "No[31m rooms"),
        ("\u202eNo rooms\u2066", "No rooms"),
        ("No\u2028rooms\u0085 \u200f!", "No rooms !"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_partner_s_words_are_cleaned(detail: str, words: str) -> None:
    with pytest.raises(Invalid) as error:
        reserve(answers(json.dumps({"detail": detail}).encode(), 422), deadline=LONG)
    assert str(error.value) == words


@pytest.mark.parametrize("misbehaves", [answers(b"", 204), never_answers])
def test_no_secret_is_logged(misbehaves: Misbehaves, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    requests: list[bytes] = []
    failure: BaseException | None = None
    with partner(misbehaves, requests) as url:
        secret_url = url.replace("http://", "http://partner:hunter2@")
        with closing(HttpSupplier(secret_url, "flight", Access(deadline=0.5))) as supplier:
            try:
                supplier.settle(KEY, "Settled by Ann: phoned Ada")
            except Unavailable as error:
                failure = error
    said = caplog.text + "".join(map(str, [failure, failure and failure.__cause__]))
    assert not any(word in said for word in ("hunter2", "Ann", "Ada"))
    assert b"Authorization: Basic " in requests[0]
    assert b"Ann" not in requests[0].splitlines()[0]


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_not_accepted_are_reported_once(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = iter([status, status, 204, status])

    def says(connection: socket.socket, over: Event) -> None:
        answers(b"", next(statuses))(connection, over)

    with (
        partner(says) as url,
        closing(HttpSupplier(url, "flight", Access("s3cret"))) as supplier,
    ):
        for _ in range(2):
            with pytest.raises(RuntimeError, match=f"status {status}"):
                supplier.release(KEY)
        assert caplog.text.count("FLIGHT_SUPPLIER_TOKEN") == 1
        supplier.release(KEY)
        with pytest.raises(RuntimeError):
            supplier.release(KEY)
        assert caplog.text.count("FLIGHT_SUPPLIER_TOKEN") == 2
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert "s3cret" not in caplog.text
