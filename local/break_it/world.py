"""The demo that is broken: its web process, its Temporal, its suppliers and its programs."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

import httpx2

from bookings.calls import RETRY
from bookings.client import connect
from local.break_it import levers
from local.break_it.columns import Line, page_says, suppliers_hold, temporal_remembers
from local.break_it.levers import Button
from local.break_it.locks import FileLock
from local.ports import reachable
from settings import Settings
from shared import Leg
from suppliers.sql import SqlSupplier

T = TypeVar("T")

WEB_SECONDS = 4.0
"""How long the web process may take; it says after three seconds that Temporal is away."""

TRAVELLER = "John Doe"


class State(NamedTuple):
    """How something is that can be broken; `tone` is the CSS class of a leg in such a state."""

    words: str
    tone: str


FINE = "booked"
BROKEN = "failed"


class World:
    """All that the room shows and breaks; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.web_url = f"http://{reachable(settings.host)}:{settings.port}"
        self._web = httpx2.Client(base_url=self.web_url, timeout=WEB_SECONDS, trust_env=False)
        self._suppliers = {leg: SqlSupplier(settings.supplier_url(leg), leg) for leg in Leg}
        self._hotel = FileLock(settings.data_dir / "hotel.db")
        self._frozen: int | None = None  # the process id of a worker
        self._buggy = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._temporal = self._wait_for(connect(settings, lazy=True, retry=RETRY))

    def book(self, **items: str) -> str:
        """Book a trip as any client does; return its id.

        Raises:
            httpx2.HTTPError: The web process does not answer, or not now.
        """
        trip = {"name": TRAVELLER, **items}
        answer = self._web.post("/book", json=trip, headers={"Prefer": "wait=0"})
        answer.raise_for_status()
        return str(answer.json()["booking_id"])

    def cancel(self, booking_id: str) -> None:
        """Ask for the cancellation of a trip.

        Raises:
            httpx2.HTTPError: The web process does not answer, or not now.
        """
        path, now = f"/bookings/{booking_id}/cancel", {"Prefer": "wait=0"}
        self._web.post(path, headers=now).raise_for_status()

    def press(self, button: Button) -> None:
        """Do what a button says: by itself, or by an order to the supervisor.

        Raises:
            sqlite3.OperationalError: The hotel's database cannot be locked now.
        """
        if button is levers.LOCK:
            self._suppliers[Leg.HOTEL].held()  # which makes the database, if there is none yet
            self._hotel.hold()
        elif button is levers.UNLOCK:
            self._hotel.release()
        else:
            self._remember(button)
            print(button.name, flush=True)

    def states(self) -> dict[str, State]:
        """How everything is that has a lever, by the lever's id."""
        worker, temporal = self._pid("worker"), self._pid("temporal")
        return {
            "worker": State("down", BROKEN)
            if worker is None
            else State("frozen", BROKEN)
            if worker == self._frozen
            else State(f"runs, process {worker}", FINE),
            "temporal": State(f"runs, process {temporal}", FINE)
            if temporal
            else State("down", BROKEN),
            "hotel": State("locked", BROKEN) if self._hotel.held else State("free", FINE),
            "code": State("has a bug", BROKEN) if self._buggy else State("no bug", FINE),
        }

    def page_says(self, booking_id: str) -> list[Line]:
        """See `columns.page_says`."""
        return page_says(self._web, booking_id)

    def temporal_remembers(self, booking_id: str) -> list[Line]:
        """See `columns.temporal_remembers`."""
        return self._wait_for(temporal_remembers(self._temporal, booking_id))

    def suppliers_hold(self, booking_id: str) -> list[Line]:
        """See `columns.suppliers_hold`."""
        return suppliers_hold(self._suppliers, booking_id)

    def _remember(self, button: Button) -> None:
        if button is levers.FREEZE:
            self._frozen = self._pid("worker")
        elif button is levers.THAW:
            self._frozen = None
        elif button in (levers.BUG, levers.FIX):
            self._buggy = button is levers.BUG

    def _pid(self, program: str) -> int | None:
        """The process id of a program that runs; its file is removed when it ends."""
        try:
            return int((self.settings.data_dir / f"{program}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
