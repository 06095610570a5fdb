"""The processes: a worker that stops or dies, a Temporal that goes away, a crowd that waits."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import Client

from settings import CONFIGURATION_ERROR
from shared import Leg
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import GOOD, Service
from tools.helpers.temporal_server import closed_port, temporal_server

NOW = {"Prefer": "wait=0"}
TOKEN = "a-token-for-this-test"  # noqa: S105

NewService = Callable[..., Service]


def state_of(site: Service, booking_id: str, leg: Leg) -> str:
    return str(leg_of(site, booking_id, leg)["state"])


def leg_of(site: Service, booking_id: str, leg: Leg) -> dict[str, Any]:
    legs: list[dict[str, Any]] = site.http.get(f"/bookings/{booking_id}").json()["legs"]
    return legs[list(Leg).index(leg)]


def test_a_worker_that_is_stopped_finishes_its_step(new_service: NewService) -> None:
    site = new_service()
    worker = site.start_worker()
    site.start_web()
    booking_id = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: leg_of(site, booking_id, Leg.HOTEL)["attempts"] == 2)  # after its first try
    worker.process.send_signal(signal.SIGTERM)
    assert worker.status() == 0
    assert len(site.held(booking_id)) == 2
    assert state_of(site, booking_id, Leg.HOTEL) == "booked"
    site.start_worker()
    wait_until(lambda: site.status(booking_id) == "booked")


def test_another_worker_takes_over_from_one_that_is_killed(new_service: NewService) -> None:
    site = new_service()
    doomed = site.start_worker()
    site.start_web()
    booking_id = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: leg_of(site, booking_id, Leg.HOTEL)["attempts"] == 2)  # after its first try
    doomed.process.kill()  # before the other has started, which may take as long as a slow hotel

    def is_given_up() -> bool:
        return "next_attempt_at" in leg_of(site, booking_id, Leg.HOTEL)

    # By the heartbeat timeout of 3 s; an attempt that sends none is given up only after 20 s.
    wait_until(is_given_up, timeout=18)
    site.start_worker()
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3


def test_while_temporal_is_away_clients_are_told_so_and_then_served(
    new_service: NewService,
) -> None:
    """The web process starts before Temporal does."""
    with closed_port() as port:
        site = new_service(TEMPORAL_ADDRESS=f"127.0.0.1:{port}")
        site.start_web()
        answer = site.book()
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert "Temporal" in answer.json()["detail"]
        assert answer.elapsed.total_seconds() < 3
        assert site.http.get("/readyz").status_code == 503
        assert site.http.get("/healthz").status_code == 200
    with temporal_server(port):
        wait_until(lambda: site.answers("/readyz"))
        site.start_worker()
        assert site.book().json()["cancelled"] is False
    answer = site.book()
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 3


@pytest.mark.long
def test_two_hundred_wait_and_the_service_stays_awake(new_service: NewService) -> None:
    """No worker runs until all of them wait."""
    site = new_service(BOOK_WAIT_SECONDS="300", BACKLOG_LIMIT="600")
    site.start_web()
    with ThreadPoolExecutor(200) as crowd:
        answers = [
            crowd.submit(httpx2.post, f"{site.url}/book", json=GOOD, timeout=300)
            for _ in range(200)
        ]
        wait_until(lambda: running_bookings(site) == 200, timeout=120)
        slowest = max(site.http.get("/healthz").elapsed.total_seconds() for _ in range(20))
        refused = site.book()
        not_waiting = site.book(NOW)
        site.start_worker()
        outcomes = [answer.result().json() for answer in answers]
    assert slowest < 1
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert not_waiting.status_code == 202
    assert [outcome["cancelled"] for outcome in outcomes] == [False] * 200
    wait_until(lambda: len(site.held()) == 603)


def running_bookings(site: Service) -> int:
    """How many bookings run, asked of Temporal itself."""

    async def count() -> int:
        client = await Client.connect(f"127.0.0.1:{site.environment['TEMPORAL_PORT']}")
        return (await client.count_workflows("ExecutionStatus = 'Running'")).count

    return asyncio.run(count())


@pytest.mark.long
def test_many_bookings_one_after_the_other_leave_nothing_behind(new_service: NewService) -> None:
    site = new_service()
    site.start_worker()
    web = site.start_web().process.pid
    for _ in range(20):
        site.book()
    files, threads = len(os.listdir(f"/proc/{web}/fd")), len(os.listdir(f"/proc/{web}/task"))
    slowest = max(site.book().elapsed.total_seconds() for _ in range(100))
    assert slowest < 5
    # A leak of one a booking would be a hundred; a thread or two may yet come to the pool.
    assert len(os.listdir(f"/proc/{web}/fd")) < files + 20
    assert len(os.listdir(f"/proc/{web}/task")) < threads + 20
    assert len(site.held()) == 360


@pytest.mark.parametrize("how", ["DEMO_FAULTS", "API_TOKENS", "TEMPORAL_ADDRESS"])
def test_rehearsal_faults_are_off_where_they_could_do_harm(
    new_service: NewService, how: str
) -> None:
    """By default they are only on where nobody needs a token, and with the embedded server."""
    site = new_service()
    server = f"127.0.0.1:{site.environment['TEMPORAL_PORT']}"
    values = {"DEMO_FAULTS": "false", "API_TOKENS": f"acme:{TOKEN}", "TEMPORAL_ADDRESS": server}
    site.environment[how] = values[how]
    site.http.headers["Authorization"] = f"Bearer {TOKEN}"
    site.start_worker()
    site.start_web()
    answer = site.book(hotel="Hôtel des Invalides", attempts=3).json()
    assert answer["hotel"] == "Hotel: Hôtel des Invalides"
    assert [leg["attempts"] for leg in answer["legs"]] == [1, 1, 1]


def test_the_web_process_answers_who_waits_before_it_stops(new_service: NewService) -> None:
    site = new_service()
    web = site.start_web()
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(site.book)
        wait_until(lambda: running_bookings(site) == 1)
        web.process.send_signal(signal.SIGTERM)
        site.start_worker()
        assert answer.result().json()["cancelled"] is False
    assert web.status() == 0


def test_requests_that_are_never_finished_do_not_silence_the_service(
    new_service: NewService,
) -> None:
    """There are more of them than threads."""
    site = new_service(WAITING_PLACES="20")
    site.start_web()
    with ExitStack() as stack:
        for _ in range(100):
            address = ("127.0.0.1", int(site.environment["PORT"]))
            connection = stack.enter_context(socket.create_connection(address))
            connection.sendall(b"POST /book HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
        assert site.http.get("/healthz", timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "http"), ("BOOK_WAIT_SECONDS", "-1"), ("CAR_SUPPLIER", "http://partner.example.com")],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, variable: str, value: str) -> None:
    environment = Environment(tmp_path / "data", **{variable: value})
    with started(environment, tmp_path / "log", "run_worker.py") as program:
        assert program.status() == CONFIGURATION_ERROR
        assert variable in program.output
        assert "Traceback" not in program.output
