"""`adopt`: a way back for trips that Temporal has lost, and the suppliers hold."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import free_port, temporal_server

NOW = {"Prefer": "wait=0"}
NOBODY = f"trip-{'0' * 32}:{'0' * 16}:car"


class Site:
    """A running service, whose Temporal can lose all that it knows."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.port = free_port()
        self.temporal = ExitStack()
        stack.callback(lambda: self.temporal.close())
        self.temporal.enter_context(temporal_server(self.port))
        self.service = stack.enter_context(service(folder, self.port))
        self.worker = self.service.start_worker()
        self.service.start_web()

    def lose_all(self) -> None:
        """Go on with a new and empty server."""
        self.temporal.close()
        self.temporal.enter_context(temporal_server(self.port))
        wait_until(lambda: self.service.answers("/bookings"))

    def run(self, *command: str) -> tuple[int, str]:
        """Run an operator's command; its exit status, and what it prints."""
        program = self.service.start("-m", "operations", *command)
        return program.status(), program.output


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path)


def key_of(site: Service, booking_id: str) -> str:
    return site.held(booking_id)[-1].key


def test_a_trip_that_is_held_is_booked_again(site: Site) -> None:
    booking_id = site.service.book(name="Ada").json()["booking_id"]
    site.lose_all()
    assert site.service.http.get(f"/bookings/{booking_id}").status_code == 404
    status, report = site.run("audit")
    key = key_of(site.service, booking_id)
    assert status == 1
    assert f"operations adopt {key}" in report

    status, words = site.run("adopt", key)
    assert (status, words.strip()) == (0, f"{booking_id} was started again, to end as booked.")
    wait_until(lambda: site.service.status(booking_id) == "booked")
    booking = site.service.http.get(f"/bookings/{booking_id}").json()
    assert booking["user_id"].startswith("ada-")
    assert [leg["item"] for leg in booking["legs"]] == ["a car", "a hotel", "a flight"]
    assert len(site.service.held()) == 3
    assert site.run("audit")[0] == 0
    assert "was known already" in site.run("adopt", key)[1]

    site.service.http.post(f"/bookings/{booking_id}/cancel")
    assert site.service.held() == []


def test_it_can_be_cancelled_before_any_worker_has_seen_it(site: Site) -> None:
    booking_id = site.service.book().json()["booking_id"]
    key = key_of(site.service, booking_id)
    site.lose_all()
    site.worker.process.kill()
    assert site.run("adopt", key)[0] == 0
    site.service.http.post(f"/bookings/{booking_id}/cancel", headers=NOW)
    site.service.start_worker()
    wait_until(lambda: site.service.status(booking_id) == "cancelled")
    assert site.service.held() == []


def test_a_trip_that_is_held_in_part_is_undone(site: Site) -> None:
    booking_id = site.service.book(NOW, flight="a slow flight").json()["booking_id"]
    wait_until(lambda: len(site.service.held(booking_id)) == 2)
    key = key_of(site.service, booking_id)
    site.lose_all()
    assert "is being undone" in site.run("adopt", key)[1]
    wait_until(lambda: site.service.status(booking_id) == "cancelled")
    assert site.service.held() == []
    assert site.run("audit")[0] == 0


def test_what_is_no_key_or_held_by_nobody_is_refused(tmp_path: Path) -> None:
    for key, words in (("a key", "It is not a key."), (NOBODY, "hold nothing for trip-000")):
        command = ("-m", "operations", "adopt", key)
        with started(Environment(tmp_path / "data"), tmp_path / "log", *command) as program:
            assert program.status() == 1
            assert words in program.output


def test_without_its_supplier_it_says_so(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "data", CAR_SUPPLIER="http://127.0.0.1:1")
    command = ("-m", "operations", "adopt", NOBODY)
    with started(environment, tmp_path / "log", *command) as program:
        assert program.status() == CONFIGURATION_ERROR
        assert "car supplier does not respond" in program.output
