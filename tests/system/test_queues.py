"""A leg with a task queue and workers of its own, for a partner with limits."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from settings import CONFIGURATION_ERROR
from shared import Leg
from tools.helpers.processes import wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


def start_hotel_worker(site: Service, **limits: str) -> None:
    """Start a worker that runs nothing but the hotel's steps."""
    changes = {"WORKER_QUEUE": "hotel", **limits}
    site.environment |= changes
    site.start_worker()
    for name in changes:
        del site.environment[name]


def test_its_own_workers_book_and_undo_it(new_service: Callable[..., Service]) -> None:
    site = new_service(HOTEL_QUEUE="hotel")
    site.start_web()
    site.start_worker()
    booking_id = site.book(NOW).json()["booking_id"]
    wait_until(lambda: len(site.held(booking_id)) == 1)
    assert site.status(booking_id) == "running"
    start_hotel_worker(site)
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3
    cancelled = site.http.post(f"/bookings/{booking_id}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert not site.held(booking_id)


@pytest.mark.long
def test_it_is_called_no_faster_than_it_may(new_service: Callable[..., Service]) -> None:
    site = new_service(HOTEL_QUEUE="hotel")
    site.start_web()
    site.start_worker()
    start_hotel_worker(site, CALLS_PER_SECOND="2")
    ids = [site.book(NOW).json()["booking_id"] for _ in range(8)]
    wait_until(lambda: all(site.status(booking_id) == "booked" for booking_id in ids))
    times = sorted(held.since for held in site.suppliers[Leg.HOTEL].held())
    assert len(times) == 8
    assert (times[-1] - times[0]).total_seconds() > 2
    assert max(later - earlier for earlier, later in pairwise(times)).total_seconds() > 0.2


def test_a_worker_of_all_legs_has_no_rate(new_service: Callable[..., Service]) -> None:
    site = new_service(CALLS_PER_SECOND="2")
    worker = site.start("run_worker.py")
    assert worker.status() == CONFIGURATION_ERROR
    assert "CALLS_PER_SECOND needs WORKER_QUEUE" in worker.output
