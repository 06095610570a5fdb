"""Neighbours that misbehave, all at once and for a whole run, while a client books plain trips.

The mail server is mute, one hotel is a black hole, a client is greedy, and idle connections stay.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil

from shared import Leg, Status
from tools.chaos import report, verdict
from tools.chaos.client import Client, Load
from tools.chaos.plan import Errand
from tools.chaos.record import keep
from tools.chaos.site import Site, site
from tools.helpers.network import About, black_hole, mute_server, proxy
from tools.helpers.processes import Environment, started
from tools.helpers.temporal_server import free_port

PLAIN, UNLUCKY, GREEDY = CLIENTS = ("plain", "unlucky", "greedy")
REQUESTS_PER_SECOND = {PLAIN: 2, UNLUCKY: 3, GREEDY: 40}
SHARE = 4
"""Requests a second that each client may send."""

ALONE_SECONDS = 10
"""How long plain trips are booked first without neighbours, for comparison: machines differ."""

DRAIN_SECONDS = HANG_UP_SECONDS = 150
IDLE = 300
BLACK_HOLE = "a black hole"

VARIABLES = {
    "API_TOKENS": ",".join(f"{client}:the-token-of-{client}" for client in CLIENTS),
    "CLIENT_REQUESTS_PER_SECOND": str(SHARE),
    "BOOK_WAIT_SECONDS": "120",
    "LEG_DEADLINE": "60",
}


@dataclass
class Neighbourhood:
    """A system among such neighbours, and what came of it.

    Attributes:
        loads: What each client did.
        alone: The seconds that each plain trip took before the neighbours came.
        among: The same while they were there.
        memory: The most memory that the worker had, in bytes.
        threads: The most threads that the worker had.
    """

    site: Site
    hole: About
    loads: dict[str, Load] = field(default_factory=lambda: {client: Load() for client in CLIENTS})
    alone: list[float] = field(default_factory=list)
    among: list[float] = field(default_factory=list)
    memory: int = 0
    threads: int = 0

    async def run(self, folder: Path, lasts: float) -> list[str]:
        """Book for some seconds, let the black hole answer, and return the violations."""
        numbers = count(1)
        await self._book_plain_trips(ALONE_SECONDS, numbers, self.alone)
        asyncio.get_running_loop().call_later(lasts, self.hole.healed.set)
        meanwhile = [asyncio.create_task(self._stay_idle()) for _ in range(IDLE)]
        meanwhile.append(asyncio.create_task(self._watch_worker()))
        try:
            await asyncio.gather(
                self._book_plain_trips(lasts, numbers, self.among),
                *(self._send(client, lasts, count(1), Client.book) for client in (UNLUCKY, GREEDY)),
            )
        finally:
            for task in meanwhile:
                task.cancel()
        records = [record for load in self.loads.values() for record in load.records]
        keep(folder / "clients.jsonl", records)
        print("\n".join(self._lines(lasts)))
        audited, violations = await verdict.judge(self.site, records)
        print("\n".join(report.totals(audited)))
        return violations + [
            f"{record.errand.name}: a plain trip was not booked"
            for record in self.loads[PLAIN].records
            if not (record.outcome and record.outcome.status is Status.BOOKED)
        ]

    async def _book_plain_trips(
        self, lasts: float, numbers: Iterator[int], seconds: list[float]
    ) -> None:
        async def timed(client: Client) -> None:
            begun = time.monotonic()
            try:
                await client.run()
            finally:
                seconds.append(time.monotonic() - begun)

        await self._send(PLAIN, lasts, numbers, timed)

    async def _send(
        self,
        name: str,
        lasts: float,
        numbers: Iterator[int],
        send: Callable[[Client], Coroutine[None, None, None]],
    ) -> None:
        """Send a client's requests at its pace, however long they take, and await the answers."""
        until = time.monotonic() + lasts
        with suppress(TimeoutError):  # the verdict finds requests without an answer
            async with (
                self.site.http(name) as http,
                asyncio.timeout(lasts + DRAIN_SECONDS),
                asyncio.TaskGroup() as group,
            ):
                while time.monotonic() < until:
                    client = Client(http, self.loads[name], errand(name, next(numbers)))
                    group.create_task(send(client))
                    await asyncio.sleep(1 / REQUESTS_PER_SECOND[name])

    async def _stay_idle(self) -> None:
        """Hold a connection on which nothing is sent, and another one when it is closed."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.site.settings.port)
                try:
                    await reader.read()
                finally:
                    writer.close()
            await asyncio.sleep(0.1)

    async def _watch_worker(self) -> None:
        [pid] = self.site.system.pids("run_worker.py")
        worker = psutil.Process(pid)
        while True:
            self.memory = max(self.memory, worker.memory_info().rss)
            self.threads = max(self.threads, worker.num_threads())
            await asyncio.sleep(0.5)

    def _lines(self, lasted: float) -> Iterator[str]:
        """The report's lines about each client and the worker."""
        yield f"  neighbours  {lasted:.0f} s"
        for when, seconds in {"alone": self.alone, "among them": self.among}.items():
            yield (
                f"  {when:<12}{len(seconds)} plain trips: p50 {median(seconds):.2f} s, "
                f"p99 {quantiles(seconds, n=100, method='inclusive')[98]:.2f} s, "
                f"max {max(seconds):.2f} s"
            )
        for client, load in self.loads.items():
            counts = ", ".join(f"{number} {what}" for what, number in load.counts.items())
            yield f"  {client:<12}{counts}"
        yield f"  worker      at most {self.memory / 2**20:.0f} MiB and {self.threads} threads"


def errand(client: str, number: int) -> Errand:
    """A trip; every second one has an email, and only those of a plain client are waited for."""
    body: dict[str, Any] = {"name": f"{client} {number}", **{leg: f"a {leg}" for leg in Leg}}
    if number % 2:
        body["email"] = f"{client}-{number}@example.com"
    if client == UNLUCKY:
        body[Leg.HOTEL] = BLACK_HOLE
    plain = client == PLAIN
    return Errand(
        body=body,
        key=f"plain-{number}" if plain else None,
        prefer_wait=None if plain else 0,
        hang_ups=(HANG_UP_SECONDS,),
        twice=False,
        cancel=None,
        cancel_after=0,
        idle=0,
    )


@contextmanager
def neighbourhood(folder: Path) -> Iterator[Neighbourhood]:
    """The system with one worker, a hotel that is a service over HTTP, and a mute mail server."""
    hole, port, environment = (
        About(BLACK_HOLE, black_hole),
        free_port(),
        Environment(folder / "data"),
    )
    serve = ("-m", "suppliers", "serve", "hotel", "--port", str(port))
    with (
        mute_server() as mail,
        proxy(port, hole) as hotel,
        started(environment, folder / "hotel.log", *serve),
        site(
            folder,
            SMTP_URL=f"smtp://127.0.0.1:{mail}",
            HOTEL_SUPPLIER=f"http://127.0.0.1:{hotel}",
            **VARIABLES,
        ) as running,
    ):
        yield Neighbourhood(running, hole)
