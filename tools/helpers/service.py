"""The service as users see it: its web process, workers and suppliers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from shared import Leg
from suppliers.sql import SqlSupplier
from suppliers.sql_schema import Reservation
from tools.helpers.processes import Environment, Started, started, wait_until

GOOD = {"name": "John Doe", "car": "a car", "hotel": "a hotel", "flight": "a flight"}


class Service:
    """A service: its processes, its HTTP API and its suppliers."""

    def __init__(self, stack: ExitStack, folder: Path, environment: Environment) -> None:
        self.stack = stack
        self.folder = folder
        self.environment = environment
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self.http = stack.enter_context(httpx2.Client(base_url=self.url, timeout=60))
        self.suppliers = {
            leg: SqlSupplier(f"sqlite:///{Path(environment['DATA_DIR']) / leg}.db", leg)
            for leg in Leg
        }
        for supplier in self.suppliers.values():
            stack.callback(supplier.close)

    def start(self, *command: str) -> Started:
        """Start one of this project's programs with the service's environment."""
        log = self.folder / f"{command[-1]}.log"
        return self.stack.enter_context(started(self.environment, log, *command))

    def start_worker(self) -> Started:
        """Start a worker, and wait until it is ready."""
        worker = self.start("run_worker.py")
        worker.wait_for("The worker waits for bookings", times=worker.output.count("waits") + 1)
        return worker

    def start_web(self) -> Started:
        """Start the web process, and wait until it listens."""
        web = self.start("run_workflow.py")
        wait_until(lambda: self.answers("/healthz"))
        return web

    def answers(self, path: str) -> bool:
        """Whether the response of a path is 200."""
        try:
            return self.http.get(path).status_code == 200
        except httpx2.TransportError:
            return False

    def book(self, headers: dict[str, str] | None = None, **fields: Any) -> httpx2.Response:
        """Book a good trip, except for the given fields."""
        return self.http.post("/book", json=GOOD | fields, headers=headers)

    def held(self, booking_id: str = "") -> list[Reservation]:
        """The suppliers' reservations, for one booking or all; their stock must match."""
        for supplier in self.suppliers.values():
            assert all(item.consistent for item in supplier.stock())
        return [
            reservation
            for supplier in self.suppliers.values()
            for reservation in supplier.held()
            if reservation.key.startswith(booking_id)
        ]

    def status(self, booking_id: str) -> str:
        """The status of a booking; empty while the service does not respond."""
        try:
            answer = self.http.get(f"/bookings/{booking_id}")
        except httpx2.TransportError:
            return ""
        return str(answer.json()["status"]) if answer.status_code == 200 else ""


@contextmanager
def service(folder: Path, temporal_port: int, **variables: str) -> Iterator[Service]:
    """A service on a Temporal server, with empty suppliers and no process yet."""
    environment = Environment(folder / "data", **variables)
    environment["TEMPORAL_PORT"] = str(temporal_port)
    with ExitStack() as stack:
        yield Service(stack, folder, environment)
