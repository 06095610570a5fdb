"""Everything in one terminal: Temporal, a worker and the web process (`make run`)."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx2

from bookings.client import external_address
from local import run_temporal
from local.console import Console
from local.environment import environment_of
from local.keeper import Program
from local.ports import Listener, accepts, require_free
from local.supervisor import supervise
from settings import Settings, take_no_arguments
from suppliers.rehearsal import SOLD_OUT_FLIGHT
from suppliers.sql import SqlSupplier

ROOT = Path(__file__).parent.parent
PROBE_SECONDS = 0.1


TEMPORAL = Program(
    "temporal",
    [sys.executable, "-m", run_temporal.__name__],
    ready_line=run_temporal.READY,
    grace=1.5,
)
WORKER = Program("worker", [sys.executable, ROOT / "run_worker.py"])
WEB = Program("web", [sys.executable, ROOT / "run_workflow.py"])


def run(settings: Settings, *, worker: Program = WORKER, web: Program = WEB) -> int:
    """Run everything until a signal stops it; return the exit status.

    Temporal is not started if another server is configured.
    """
    os.umask(0o077)  # the databases hold travellers' names
    embedded = external_address() is None
    require_free(
        [
            Listener("PORT", settings.host, settings.port),
            *(run_temporal.listeners(settings) if embedded else []),
        ]
    )
    temporal, worker, web = (
        replace(program, environment=environment_of(program.name, settings))
        for program in (TEMPORAL, worker, web)
    )
    worker, web = (
        replace(program, pid_file=settings.data_dir / f"{program.name}.pid")
        for program in (worker, web)
    )
    stages = [[temporal], [worker, web]] if embedded else [[worker, web]]
    return asyncio.run(supervise(*stages, when_started=partial(announce, settings)))


def stock_the_form(settings: Settings) -> None:
    """Make one flight sold out, for one of the form's ready-made trips."""
    if not settings.flight_supplier:
        with closing(SqlSupplier(settings.supplier_url("flight"), "flight")) as flights:
            flights.set_stock(SOLD_OUT_FLIGHT, 0)


async def announce(settings: Settings, console: Console) -> None:
    """Print the addresses once the pages and Temporal's Web UI are up."""
    book = f"http://{reachable(settings.host)}:{settings.port}/"
    places = {"Book a trip": book}
    async with httpx2.AsyncClient(trust_env=False) as client:
        await until(partial(is_ready, client, f"{book}readyz"))
    await asyncio.to_thread(stock_the_form, settings)
    server = external_address()
    if not server:
        await until(partial(accepts, "127.0.0.1", settings.temporal_ui_port))
    if settings.temporal_ui_url or not server:
        places["Watch it run (Temporal's Web UI)"] = f"{settings.ui_url}/"
    places["Temporal itself (gRPC)"] = server or f"127.0.0.1:{settings.temporal_port}"
    lines = [f"  {what:<34}{where}" for what, where in places.items()]
    console.print("\n".join(["", *lines, "", "  Stop with Ctrl-C.", ""]))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Poll a condition until it holds."""
    while True:
        if await condition():
            return
        await asyncio.sleep(PROBE_SECONDS)


async def is_ready(client: httpx2.AsyncClient, url: str) -> bool:
    """Whether the web process reports that it is ready."""
    try:
        return (await client.get(url)).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def reachable(host: str) -> str:
    """The address, as in a URL, by which this machine reaches a listener on `host`."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{address}]" if ":" in address else address


if __name__ == "__main__":
    take_no_arguments(__doc__)
    sys.exit(run(Settings.load()))
