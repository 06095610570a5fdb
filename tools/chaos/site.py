"""The whole system, on its own files and ports, with a second worker."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from local import children
from settings import Settings, give_up
from shared import Leg
from suppliers.sql import SqlSupplier
from tools.chaos.plan import CAPACITY, scarce
from tools.helpers.processes import ROOT, Environment, Started, started

QUICK = {
    "BOOK_WAIT_SECONDS": "5",
    "LEG_DEADLINE": "8",
    "UNDO_PATIENCE": "1",
    "DEMO_FAULTS": "true",
}
READY = "Stop with Ctrl-C"
START_SECONDS = 120


@dataclass(frozen=True)
class Site:
    """A running system."""

    environment: Environment
    system: Started

    @property
    def settings(self) -> Settings:
        """The settings of its processes."""
        return Settings.model_validate(self.environment)

    @property
    def url(self) -> str:
        """The address of its web process."""
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def database(self, leg: str) -> Path:
        """The database file of a leg's supplier."""
        return Path(self.environment["DATA_DIR"]) / f"{leg}.db"

    @property
    def books(self) -> Settings:
        """The settings with which the suppliers' databases are read, also behind a service."""
        return self.settings.model_copy(update={f"{leg}_supplier": "" for leg in Leg})

    def http(self, client: str = "") -> httpx2.AsyncClient:
        """An HTTP client that opens a connection per request, as many clients do.

        Args:
            client: The name of the client whose token it sends; empty where there are no tokens.
        """
        tokens = dict(pair.split(":") for pair in self.settings.read_secrets("api_tokens"))
        token = tokens.get(client)
        return httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            timeout=180,
            trust_env=False,
        )


@contextmanager
def site(folder: Path, **variables: str) -> Iterator[Site]:
    """Run the system, with a few scarce items; at the end no process is left."""
    own_databases = {f"{leg.upper()}_SUPPLIER": "" for leg in Leg}
    environment = Environment(folder / "data", **QUICK | own_databases | variables)
    with started(environment, folder / "system.log", "-m", "local.run_all") as system:
        wait_for_start(system, folder / "system.log")
        running = Site(environment, system)
        for leg in Leg:
            with closing(SqlSupplier(running.books.supplier_url(leg), leg)) as supplier:
                supplier.set_stock(scarce(leg), CAPACITY)
        yield running


def wait_for_start(system: Started, log: Path) -> None:
    """Wait until the system is ready; end with one message if it does not start."""
    deadline = time.monotonic() + START_SECONDS
    while READY not in system.output:
        if system.process.poll() is not None or time.monotonic() > deadline:
            give_up(f"The system did not start. See its log: {log}")
        time.sleep(0.1)


@asynccontextmanager
async def second_worker(site: Site, log: Path) -> AsyncIterator[None]:
    """Keep another worker running, which takes over from a frozen one."""

    async def keep() -> None:
        with log.open("ab") as output:
            while True:
                worker = await children.start(
                    [sys.executable, ROOT / "run_worker.py"],
                    stdout=output.fileno(),
                    stderr=output.fileno(),
                    env=site.environment,
                )
                try:
                    await worker.wait()
                finally:
                    await children.stop(worker, grace=0)
                await asyncio.sleep(0.5)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
