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

from bookings.client import external_address, rehearses
from local import run_temporal
from local.break_it import levers
from local.console import Console
from local.environment import environment_of
from local.keeper import Keeper, Program
from local.ports import Listener, accepts, free_port, reachable, require_free
from local.supervisor import Order, supervise
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
BREAK_IT = Program(
    "break-it",
    ["nice", sys.executable, "-m", "local.break_it"],  # its start delays none of the others
    gives_orders=True,
)
BUGGY_WORKER = [sys.executable, "-m", "local.break_it.buggy_worker"]


def run(
    settings: Settings,
    *,
    worker: Program = WORKER,
    web: Program = WEB,
    break_it: Program = BREAK_IT,
) -> int:
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
    break_it_url = f"http://127.0.0.1:{free_port()}" if can_be_broken(settings) else ""
    temporal, worker, web, break_it = (
        replace(program, environment=environment_of(program.name, settings, break_it_url))
        for program in (TEMPORAL, worker, web, break_it)
    )
    worker, web = (
        replace(program, pid_file=settings.data_dir / f"{program.name}.pid")
        for program in (worker, web)
    )
    stages = [[temporal]] * embedded + [[worker, web] + [break_it] * bool(break_it_url)]
    ready = partial(announce, settings, break_it_url)
    return asyncio.run(supervise(*stages, when_started=ready, orders=orders(worker)))


def can_be_broken(settings: Settings) -> bool:
    """Whether everything is a demo: Temporal and suppliers of our own, faults on, and no tokens."""
    own = external_address() is None and not any(
        (settings.car_supplier, settings.hotel_supplier, settings.flight_supplier)
    )
    return own and rehearses(settings) and not settings.has_clients


def orders(worker: Program) -> dict[str, Order]:
    """What the page that breaks things may have done."""
    buggy = replace(worker, command=BUGGY_WORKER)
    return {
        levers.KILL.name: Order("worker", Keeper.kill),
        levers.FREEZE.name: Order("worker", Keeper.freeze),
        levers.THAW.name: Order("worker", Keeper.thaw),
        levers.STOP.name: Order("temporal", Keeper.hold),
        levers.START.name: Order("temporal", Keeper.let_go),
        levers.BUG.name: Order("worker", lambda keeper: keeper.deploy(buggy)),
        levers.FIX.name: Order("worker", lambda keeper: keeper.deploy(worker)),
    }


def stock_the_form(settings: Settings) -> None:
    """Make one flight sold out, for one of the form's ready-made trips."""
    if not settings.flight_supplier:
        with closing(SqlSupplier(settings.supplier_url("flight"), "flight")) as flights:
            flights.set_stock(SOLD_OUT_FLIGHT, 0)


async def announce(settings: Settings, break_it_url: str, console: Console) -> None:
    """Print the addresses, each once it leads somewhere."""
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
    if break_it_url:  # later, as nobody should have to wait for it
        await until(partial(accepts, "127.0.0.1", int(break_it_url.rpartition(":")[2])))
        console.print(f"  {'Break it, by buttons':<34}{break_it_url}/\n")


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


if __name__ == "__main__":
    take_no_arguments(__doc__)
    sys.exit(run(Settings.load()))
