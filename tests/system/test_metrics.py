"""What Prometheus reads of the real processes, after real bookings."""

import math
import re
import socket
import time
from collections.abc import Callable

import httpx2
import pytest

from settings import CONFIGURATION_ERROR
from tools.helpers.processes import wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port

NOW = {"Prefer": "wait=0"}


class Scrape:
    """The metrics of a process, asked anew each time."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}/metrics"

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series with these labels; NaN, which equals nothing, if there are none."""
        found = [
            float(value)
            for labelled, value in re.findall(
                rf"^{name}(?:{{(.*)}})? (\S+)$", httpx2.get(self.url).text, re.MULTILINE
            )
            if all(f'{label}="{wanted}"' in labelled for label, wanted in labels.items())
        ]
        return sum(found) if found else math.nan


@pytest.fixture
def site(new_service: Callable[..., Service]) -> Service:
    return new_service(
        METRICS_ADDRESS=f"127.0.0.1:{free_port()}",
        WORKER_METRICS_ADDRESS=f"127.0.0.1:{free_port()}",
        UNDO_PATIENCE="0.5",
    )


@pytest.mark.long
def test_bookings_and_calls_are_counted_once_with_their_results(site: Service) -> None:
    site.start_web()
    site.start_worker()
    web = Scrape(site.environment["METRICS_ADDRESS"])
    worker = Scrape(site.environment["WORKER_METRICS_ADDRESS"])
    assert worker.value("trip_bookings_total", status="booked") == 0
    assert worker.value("trip_supplier_calls_total", leg="car", call="undo", result="ok") == 0

    booked = site.book().json()["booking_id"]
    assert site.book(hotel="invalid-hotel-id").json()["status"] == "cancelled"
    assert site.book(attempts=2).json()["status"] == "booked"
    site.http.post(f"/bookings/{booked}/cancel")

    for status, bookings in {"booked": 2, "cancelled": 1, "cancelled_later": 1}.items():
        assert worker.value("trip_bookings_total", status=status) == bookings
        assert worker.value("trip_booking_duration_seconds_count", status=status) == bookings
    calls = {
        ("car", "book", "ok"): 3,
        ("car", "undo", "ok"): 2,
        ("hotel", "book", "ok"): 2,
        ("hotel", "book", "refused"): 1,
        ("hotel", "book", "failed"): 1,
        ("hotel", "book", "busy"): 0,
        ("flight", "undo", "ok"): 1,
    }
    for (leg, call, result), number in calls.items():
        series = {"leg": leg, "call": call, "result": result}
        assert worker.value("trip_supplier_calls_total", **series) == number, series
    assert worker.value("trip_breaker_open", leg="car") == 0
    assert worker.value("trip_notices_total", kind="mail", result="given_up") == 0
    assert web.value("trip_waiting_requests") == 0
    assert web.value("trip_responses_total", status="200") > 0


@pytest.mark.long
def test_what_is_open_is_counted_in_temporal(site: Service) -> None:
    site.start_web()
    web = Scrape(site.environment["METRICS_ADDRESS"])
    site.book(NOW)
    wait_until(lambda: web.value("trip_open_bookings", status="running") == 1)
    wait_until(lambda: web.value("trip_queue_backlog", queue="saga-task-queue") == 1)
    wait_until(lambda: web.value("trip_queue_backlog_age_seconds", queue="saga-task-queue") > 1)
    assert time.time() - web.value("trip_counted_timestamp_seconds") < 60
    assert web.value("trip_open_bookings", status="needs_attention") == 0


@pytest.mark.parametrize(
    ("variable", "program"),
    [("METRICS_ADDRESS", "run_workflow.py"), ("WORKER_METRICS_ADDRESS", "run_worker.py")],
)
def test_an_address_that_is_taken_is_a_configuration_error(
    site: Service, variable: str, program: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        site.environment[variable] = address
        process = site.start(program)
        assert process.status() == CONFIGURATION_ERROR
    assert f"Metrics cannot be served at {variable}={address}" in process.output
    assert "Traceback" not in process.output
