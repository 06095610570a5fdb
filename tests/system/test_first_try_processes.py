"""First tries with real processes: a worker that is killed, frozen or stopped during one."""

import signal
from collections.abc import Callable

import pytest

from tools.helpers.processes import wait_until
from tools.helpers.service import Service

pytestmark = pytest.mark.long

NOW = {"Prefer": "wait=0"}
NewService = Callable[..., Service]


@pytest.fixture
def site(new_service: NewService) -> Service:
    """A service whose slow hotel takes longer than a first try."""
    site = new_service(FIRST_TRY="1", DEMO_FAULTS="true")
    site.start_web()
    return site


def begin(site: Service) -> str:
    """Book a slow hotel, and return as soon as its first try may have begun."""
    booking_id: str = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: len(site.held(booking_id)) == 1)
    return booking_id


def test_another_worker_takes_over_from_one_that_is_killed(site: Service) -> None:
    doomed = site.start_worker()
    booking_id = begin(site)
    doomed.process.kill()
    site.start_worker()
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3


def test_a_cancel_after_a_kill_leaves_none_held(site: Service) -> None:
    doomed = site.start_worker()
    booking_id = begin(site)
    doomed.process.kill()
    site.http.post(f"/bookings/{booking_id}/cancel", headers=NOW)
    site.start_worker()
    wait_until(lambda: site.status(booking_id) == "cancelled")
    assert site.held(booking_id) == []
    legs = site.http.get(f"/bookings/{booking_id}").json()["legs"]
    assert [leg["state"] for leg in legs] == ["undone", "not_attempted", "not_attempted"]


def test_a_worker_that_was_frozen_changes_nothing_when_it_goes_on(site: Service) -> None:
    frozen = site.start_worker()
    booking_id = begin(site)
    frozen.process.send_signal(signal.SIGSTOP)
    site.http.post(f"/bookings/{booking_id}/cancel", headers=NOW)
    site.start_worker()
    # Temporal gives tasks to the polls of the frozen worker, too, until each has timed out.
    wait_until(lambda: site.status(booking_id) == "cancelled", timeout=120)
    frozen.process.send_signal(signal.SIGCONT)
    after = site.book().json()["booking_id"]  # by either worker
    assert site.status(after) == "booked"
    frozen.process.send_signal(signal.SIGTERM)
    assert frozen.status(60) == 0
    assert site.status(booking_id) == "cancelled"
    assert site.held(booking_id) == []


def test_a_worker_that_is_stopped_says_so_in_plain_words(site: Service) -> None:
    worker = site.start_worker()
    booking_id = begin(site)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.status(60) == 0
    assert "Traceback" not in worker.output
    assert "untracked" not in worker.output
    assert all(line[:4].isdigit() for line in worker.output.splitlines()), worker.output
    site.start_worker()
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3
