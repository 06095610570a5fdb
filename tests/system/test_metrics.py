"""What Prometheus reads of the real processes, after real bookings."""

import math
import re
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities import Activities
from run_worker import make_worker
from runtime.metrics import make_runtime
from saga_workflows import BookWorkflow
from settings import CONFIGURATION_ERROR
from shared import BookVacationInput, Leg
from suppliers.mail import Mailer
from suppliers.sql import SqlSupplier
from tools.helpers.processes import wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import free_port, temporal_server

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
        ("flight", "undo", "ok"): 2,  # also of the trip whose hotel was refused
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


@pytest.mark.long
def test_an_undo_that_is_stuck_needs_attention_until_temporal_is_away(
    tmp_path: Path,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    worker_address = f"127.0.0.1:{free_port()}"
    web, worker = Scrape(address), Scrape(worker_address)
    changes = {"METRICS_ADDRESS": address, "WORKER_METRICS_ADDRESS": worker_address}
    with ExitStack() as temporal:
        port = temporal.enter_context(temporal_server())
        with service(tmp_path, port, UNDO_PATIENCE="0.5", **changes) as site:
            site.start_worker()
            site.start_web()
            site.book(NOW, car="a stuck car", flight="invalid-flight-id")
            wait_until(lambda: web.value("trip_open_bookings", status="needs_attention") == 1, 60)
            series = {"leg": "car", "call": "undo", "result": "failed"}
            assert worker.value("trip_supplier_calls_total", **series) > 0
            assert worker.value("trip_bookings_total", status="cancelled") == 0
            temporal.close()
            log = tmp_path / "run_workflow.py.log"
            wait_until(lambda: "are out of date" in log.read_text(), 60)
            counted = web.value("trip_counted_timestamp_seconds")
            wait_until(lambda: log.read_text().count("are out of date") > 1, 90)
            assert web.value("trip_counted_timestamp_seconds") == counted


@pytest.mark.long
async def test_a_replay_counts_nothing_twice(temporal_port: int, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    client = await Client.connect(
        f"127.0.0.1:{temporal_port}",
        data_converter=pydantic_data_converter,
        runtime=make_runtime("", address),
    )
    suppliers = {leg: SqlSupplier(f"sqlite:///{tmp_path / leg}.db", leg) for leg in Leg}
    activities = Activities(suppliers, None, Mailer("", "trips@example.com"))
    trip = BookVacationInput(
        book_user_id="john-doe-123456",
        book_car_id="a car",
        book_hotel_id="a hotel",
        book_flight_id="a flight",
    )
    queue = uuid4().hex
    async with make_worker(client, activities, queue, {"max_cached_workflows": 0}):
        for _ in range(3):
            booking_id = f"trip-{uuid4().hex}"
            await client.execute_workflow(BookWorkflow.run, trip, id=booking_id, task_queue=queue)
    scrape = Scrape(address)
    assert scrape.value("trip_bookings_total", status="booked") == 3
    assert scrape.value("trip_booking_duration_seconds_count", status="booked") == 3
    for supplier in suppliers.values():
        supplier.close()


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
