"""The whole system, on its own files and ports, with a second worker, or on a cluster."""

import asyncio
import ssl
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
from tools.cluster.__main__ import SITE_FILE
from tools.helpers.processes import ROOT, Environment, Started, started

QUICK = {
    "BOOK_WAIT_SECONDS": "5",
    "LEG_DEADLINE": "8",
    "UNDO_PATIENCE": "1",
    "DEMO_FAULTS": "true",
}
READY = "Stop with Ctrl-C"
START_SECONDS = 120
BUILD_SECONDS = 1800
"""Beyond that a cluster has not started: a machine that has no server yet builds it."""

STOP_SECONDS = 60


@dataclass(frozen=True)
class Site:
    """A running system."""

    environment: Environment
    system: Started

    @property
    def is_cluster(self) -> bool:
        """Whether it is on Temporal's cluster, and described by the cluster's own file."""
        return "TEMPORAL_ADDRESS" in self.environment

    @property
    def settings(self) -> Settings:
        """The settings of its processes."""
        return Settings.model_validate(self.environment)

    @property
    def url(self) -> str:
        """The address of its web process, or of the proxy in front of several."""
        return self.settings.public_url or f"http://127.0.0.1:{self.environment['PORT']}"

    @property
    def temporal(self) -> str:
        """The address of its Temporal server."""
        default = f"127.0.0.1:{self.settings.temporal_port}"
        return self.environment.get("TEMPORAL_ADDRESS", default)

    def database(self, leg: str) -> Path:
        """The database file of a leg's supplier."""
        return Path(self.environment["DATA_DIR"]) / f"{leg}.db"

    @property
    def books(self) -> Settings:
        """The settings with which the suppliers' databases are read, also behind a service."""
        if self.is_cluster:
            return self.settings
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
            verify=ssl.create_default_context(cafile=self.environment.get("SSL_CERT_FILE")),
        )


@contextmanager
def site(folder: Path, **variables: str) -> Iterator[Site]:
    """Run the system, with a few scarce items; at the end no process is left."""
    own_databases = {f"{leg.upper()}_SUPPLIER": "" for leg in Leg}
    environment = Environment(folder / "data", **QUICK | own_databases | variables)
    with started(environment, folder / "system.log", "-m", "local.run_all") as system:
        wait_for_start(system, folder / "system.log")
        yield stocked(Site(environment, system))


@contextmanager
def cluster_site(folder: Path, workers: int = 2, **variables: str) -> Iterator[Site]:
    """Run the system on Temporal's cluster, with a few scarce items; it ends with its databases."""
    environment = Environment(folder / "data", **QUICK | variables)
    command = ["-m", "tools.cluster", f"--workers={workers}"]
    with started(environment, folder / "system.log", *command) as system:
        try:
            wait_for_start(system, folder / "system.log", BUILD_SECONDS)
            described = Path(environment["DATA_DIR"]) / SITE_FILE
            lines = described.read_text().splitlines()
            environment.update(dict(line.split("=", 1) for line in lines))
            yield stocked(Site(environment, system))
        finally:
            system.process.terminate()
            system.status(STOP_SECONDS)


def stocked(site: Site) -> Site:
    """The site, once its suppliers have a few of each scarce item."""
    for leg in Leg:
        with closing(SqlSupplier(site.books.supplier_url(leg), leg)) as supplier:
            supplier.set_stock(scarce(leg), CAPACITY)
    return site


def wait_for_start(system: Started, log: Path, patience: float = START_SECONDS) -> None:
    """Wait until the system is ready; end with one message if it does not start."""
    deadline = time.monotonic() + patience
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
