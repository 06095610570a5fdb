"""A stopped terminal or a full pipe loses lines, not bookings."""

import os
import re
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import pytest

from shared import Leg
from tools.helpers.processes import Environment, Started, started, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import closed_port, free_port, temporal_server

pytestmark = pytest.mark.long

NOW = {"Prefer": "wait=0"}
NewService = Callable[..., Service]


class Unread:
    """A pipe that is full until the test reads it."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.read = ""
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        with suppress(BlockingIOError):
            while True:
                os.write(self._end, b"\n" * 4096)

    def says(self, text: str) -> bool:
        """Read what has come; whether a text has."""
        with suppress(BlockingIOError):
            while True:
                self.read += os.read(self._end, 65536).decode()
        return text in self.read


@pytest.fixture
def unread(tmp_path: Path) -> Unread:
    return Unread(tmp_path / "unread")


def start_unread(site: Service, unread: Unread, *command: str) -> Started:
    return site.stack.enter_context(started(site.environment, unread.path, *command))


def begin(site: Service, bookings: int) -> list[str]:
    """Begin bookings of cars that differ, and wait until each car has failed twice."""
    ids = [
        str(site.book(NOW, car=f"car {number}").json()["booking_id"]) for number in range(bookings)
    ]

    def attempts(booking_id: str) -> int:
        legs = site.http.get(f"/bookings/{booking_id}").json()["legs"]
        return int(legs[list(Leg).index(Leg.CAR)]["attempts"])

    wait_until(lambda: all(attempts(booking_id) > 2 for booking_id in ids), timeout=60)
    return ids


def wait_until_booked(site: Service, ids: list[str]) -> None:
    wait_until(lambda: all(site.status(it) == "booked" for it in ids), timeout=60)
    assert all(len(site.held(it)) == 3 for it in ids)


def test_a_worker_and_a_web_process_keep_booking(new_service: NewService, unread: Unread) -> None:
    port = str(free_port())
    site = new_service(CAR_SUPPLIER=f"http://localhost:{port}", LEG_DEADLINE="600")
    worker = start_unread(site, unread, "run_worker.py")
    web = start_unread(site, unread, "run_workflow.py")
    wait_until(lambda: site.answers("/readyz"))
    ids = begin(site, 10)
    del site.environment["CAR_SUPPLIER"]
    start_unread(site, unread, "-m", "suppliers", "serve", "car", "--port", port)
    wait_until_booked(site, ids)
    for process in (web, worker):
        process.process.send_signal(signal.SIGTERM)
        assert process.status() == 0


def test_they_survive_a_temporal_that_goes_away(new_service: NewService, unread: Unread) -> None:
    with closed_port() as port:
        site = new_service(TEMPORAL_ADDRESS=f"127.0.0.1:{port}")
        worker = start_unread(site, unread, "run_worker.py")
        web = start_unread(site, unread, "run_workflow.py")
    for _ in range(2):
        with temporal_server(port):
            wait_until(lambda: site.answers("/readyz"))
            ids = [str(site.book(NOW).json()["booking_id"]) for _ in range(5)]
            wait_until_booked(site, ids)
        wait_until(lambda: site.http.get("/bookings").status_code == 503)
    wait_until(lambda: unread.says("poll_workflow_task_queue retried"), timeout=60)
    assert unread.says("The worker waits for bookings")
    for process in (web, worker):
        process.process.send_signal(signal.SIGTERM)
        assert process.status() == 0


def test_a_supplier_s_service_answers(tmp_path: Path, unread: Unread) -> None:
    """Each request is a line, as its database is away; more of them than it has threads."""
    environment = Environment(tmp_path / "data", CAR_SUPPLIER="postgresql://127.0.0.1:1/none")
    port = str(free_port())
    command = ("-m", "suppliers", "serve", "car", "--port", port)
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(f"{url}/healthz").status_code == 200
        return False

    with started(environment, unread.path, *command) as service:
        wait_until(is_up)
        order = {"item": "a car", "traveller": "Ada"}
        for key in range(20):
            answer = httpx2.put(f"{url}/reservations/{key}", json=order, timeout=30)
            assert answer.status_code == 503
        service.process.send_signal(signal.SIGTERM)
        assert service.status() == 0


def test_everything_in_one_terminal_keeps_booking_and_stops(tmp_path: Path, unread: Unread) -> None:
    port = str(free_port())
    changes = {"CAR_SUPPLIER": f"http://localhost:{port}", "LEG_DEADLINE": "600"}
    with ExitStack() as stack:
        site = Service(stack, tmp_path, Environment(tmp_path / "data", **changes))
        everything = start_unread(site, unread, "-m", "local.run_all")
        wait_until(lambda: site.answers("/readyz"), timeout=60)
        ids = begin(site, 10)
        del site.environment["CAR_SUPPLIER"]
        cars = start_unread(site, unread, "-m", "suppliers", "serve", "car", "--port", port)
        wait_until_booked(site, ids)
        cars.process.send_signal(signal.SIGTERM)
        assert cars.status() == 0
        everything.process.send_signal(signal.SIGTERM)
        assert everything.status(timeout=20) == 0
        assert everything.pids() == []


def test_when_reading_resumes_lines_come_again_and_the_lost_are_counted(
    tmp_path: Path, unread: Unread
) -> None:
    environment = Environment(tmp_path / "data", TEMPORAL_ADDRESS="temporal.example:7233")
    worker, web = "sh -c 'seq 200000; exec sleep 1001'", "sleep 1004"
    command = ("-m", "tests.local.stand_ins", worker, web)
    with started(environment, unread.path, *command) as program:
        wait_until(lambda: program.pids("sleep 1001") and not program.pids("seq"), timeout=60)
        wait_until(lambda: unread.says("lines are missing"))
        program.process.send_signal(signal.SIGTERM)
        wait_until(lambda: unread.says("stopping everything"))
        assert program.status() == 0
    shown = re.findall(r"^worker \| (\d+)$", unread.read, re.MULTILINE)
    missing = re.findall(r"^\((\d+) lines are missing", unread.read, re.MULTILINE)
    assert len(shown) + sum(map(int, missing)) == 200_000
    assert shown[:1000] == [str(number) for number in range(1, 1001)]
