"""Promise 13, of a worker process: a bad partner gets few threads and little memory of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psutil
import pytest

from tests.suppliers.partners import (
    DripsItsBody,
    Misbehaves,
    NeverEnds,
    never_answers,
    sends_a_bomb,
)
from tools.helpers.network import About, mute_server, none, proxy
from tools.helpers.processes import wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import free_port, listens, temporal_server

pytestmark = pytest.mark.long

NOW = {"Prefer": "wait=0"}
PATIENT = 180
"""Seconds, for a busy machine."""

MOST_THREADS = 130
"""The worker's shares have 82; the rest is Temporal's SDK and Python's own."""

MOST_MEMORY = 150 * 2**20
"""In bytes, beyond what the worker has before; one of these answers alone is larger."""

PARTNERS: dict[str, Misbehaves] = {
    "a hotel that drips": DripsItsBody(),
    "a hotel that never ends": NeverEnds(),
    "a hotel with a bomb": sends_a_bomb(),
    "a hotel that is a black hole": never_answers,
}


class Town:
    """A service whose hotel supplier is reached over HTTP; one of its hotels at a time is bad."""

    def __init__(self, stack: ExitStack, site: Service, hotel_port: int) -> None:
        self.site = site
        self.bad = About("nothing", none)
        serve = ("suppliers", "serve", "hotel", "--port", str(hotel_port))
        site.environment["HOTEL_SUPPLIER"] = ""
        site.start("-m", *serve)
        wait_until(lambda: listens(hotel_port))
        behind = stack.enter_context(proxy(hotel_port, lambda exchange: self.bad(exchange)))
        site.environment["HOTEL_SUPPLIER"] = f"http://127.0.0.1:{behind}"
        self.worker = psutil.Process(site.start_worker().process.pid)
        site.start_web()

    def start(self, number: int, **fields: Any) -> list[str]:
        """Start many trips, and return their ids."""

        def book(_: int) -> str:
            answer = self.site.book(NOW, **fields)
            assert answer.status_code in {200, 202}, answer.text
            return str(answer.json()["booking_id"])

        with ThreadPoolExecutor(16) as threads:
            return list(threads.map(book, range(number)))

    def book_plain_trips(self) -> None:
        """Book some trips and cancel one, while the worker stays small."""
        memory = self.worker.memory_info().rss
        for _ in range(10):
            answer = self.site.book().json()
            assert answer["status"] == "booked"
            assert self.worker.num_threads() < MOST_THREADS
            assert self.worker.memory_info().rss < memory + MOST_MEMORY
        cancelled = self.site.http.post(f"/bookings/{answer['booking_id']}/cancel")
        assert cancelled.json()["status"] == "cancelled"
        assert self.site.held(answer["booking_id"]) == []


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with ExitStack() as stack:
        site = stack.enter_context(
            service(
                tmp_path_factory.mktemp("town"),
                stack.enter_context(temporal_server()),
                SMTP_URL=f"smtp://127.0.0.1:{stack.enter_context(mute_server())}",
                SUPPLIER_TIMEOUT="3",
                BOOK_WAIT_SECONDS="50",
                BACKLOG_LIMIT="600",
            )
        )
        town = Town(stack, site, free_port())
        town.book_plain_trips()
        yield town


@pytest.mark.parametrize("hotel", PARTNERS)
def test_one_hotel_is_bad(town: Town, hotel: str) -> None:
    misbehaves = PARTNERS[hotel]
    bad = town.bad = About(hotel, lambda exchange: misbehaves(exchange.client, exchange.over))
    affected = town.start(60, hotel=hotel)
    wait_until(lambda: len(bad.paths) > 2, PATIENT)
    town.book_plain_trips()

    bad.healed.set()
    for booking_id in affected:
        wait_until(lambda: town.site.status(booking_id) in {"booked", "cancelled"}, PATIENT)  # noqa: B023
        held = {"booked": 3, "cancelled": 0}[town.site.status(booking_id)]
        assert len(town.site.held(booking_id)) == held
    assert town.site.book(hotel=hotel).json()["status"] == "booked"


def test_three_hundred_notices_wait_for_a_mute_mail_server(town: Town) -> None:
    before = len(town.site.held())
    for number in range(20):  # an address gets only so many mails
        town.start(15, email=f"ada{number}@example.com")
    wait_until(lambda: len(town.site.held()) == before + 900, PATIENT)
    town.book_plain_trips()
