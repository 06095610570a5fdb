"""Book and cancel while everything is killed, then audit: `python -m tools.chaos`.

Exit status: 0 no violations; 1 violations; 2 the run could not be judged.
"""

import argparse
import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, ExitStack, suppress
from itertools import count
from pathlib import Path

import httpx2

from tools.chaos import plan, report, verdict
from tools.chaos.client import Client, Load
from tools.chaos.faults import Havoc
from tools.chaos.neighbours import neighbourhood
from tools.chaos.record import keep
from tools.chaos.site import Site, cluster_site, second_worker, site

CLIENTS = 24
DEFAULT_SECONDS = 45.0
DRAIN_SECONDS = 180
STOPPED = 2


def main() -> int:
    """Run chaos, print its report and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the plan's seed; default: a new one")
    parser.add_argument("--bookings", type=int, default=0, help="the minimum number of bookings")
    parser.add_argument("--seconds", type=float, help="the minimum duration")
    parser.add_argument(
        "--neighbours", action="store_true", help="kill nothing: plain trips among bad neighbours"
    )
    parser.add_argument(
        "--where", choices=["embedded", "cluster"], default="embedded", help="the Temporal server"
    )
    parser.add_argument("--keep", action="store_true", help="keep the files even after a clean run")
    arguments = parser.parse_args()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(STOPPED)
    )  # which also stops everything it started
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    seconds = arguments.seconds
    if seconds is None:
        seconds = 0.0 if arguments.bookings else DEFAULT_SECONDS
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    plan_of = (
        "NEIGHBOURS=1" if arguments.neighbours else f"SEED={seed} BOOKINGS={arguments.bookings}"
    )
    in_cluster = arguments.where == "cluster"
    again = f"make chaos {'WHERE=cluster ' * in_cluster}{plan_of} SECONDS={seconds:g}"
    print(f"Chaos. To repeat this plan: {again}", flush=True)
    print(f"Files: {folder}", flush=True)
    with ExitStack() as stack:
        if arguments.neighbours:
            around = stack.enter_context(neighbourhood(folder))
            running, work = around.site, around.run(folder, seconds)
        else:
            running = stack.enter_context((cluster_site if in_cluster else site)(folder))
            work = run(running, folder, seed, arguments.bookings, seconds)
        violations = asyncio.run(while_it_runs(running, work))
    if violations is None:
        print(f"Interrupted before the verdict. The logs are in {folder}")
        return STOPPED
    if not violations:
        if not arguments.keep:
            shutil.rmtree(folder)
        print("No violations: every trip has all of its three legs, or none.")
        return 0
    print(f"\n{len(violations)} violations:")
    print("\n".join(violations))
    print(f"\nTo repeat this plan: {again}")
    print(f"The databases, logs and responses are kept in {folder}")
    return 1


async def while_it_runs(site: Site, work: Coroutine[None, None, list[str]]) -> list[str] | None:
    """The result of `work`; None if a signal or the end of the system interrupts it."""
    working = asyncio.create_task(work)
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop_signal, working.cancel)
    while not (await asyncio.wait({working}, timeout=1))[0]:
        if site.system.process.poll() is not None:
            working.cancel()
    return None if working.cancelled() else working.result()


async def run(site: Site, folder: Path, seed: int, bookings: int, seconds: float) -> list[str]:
    """Run clients during all faults, then return the violations."""
    load, havoc = Load(), Havoc(site)
    begun = time.monotonic()
    if site.is_cluster:
        faults = plan.faults(seed, plan.IN_A_CLUSTER, plan.IN_A_CLUSTER_PAUSES)
    else:
        faults = plan.faults(seed)
    async with AsyncExitStack() as stack:
        if not site.is_cluster:  # which has two
            await stack.enter_async_context(second_worker(site, folder / "second-worker.log"))
        http = await stack.enter_async_context(site.http())
        wreaking = asyncio.create_task(havoc.wreak(faults))
        clients = start_clients(http, load, seed, begun + seconds, bookings)
        try:
            await asyncio.wait(clients, return_when=asyncio.FIRST_COMPLETED)
            wreaking.cancel()
            with suppress(asyncio.CancelledError):
                await wreaking
            lasted = time.monotonic() - begun
            done, _ = await asyncio.wait(clients, timeout=DRAIN_SECONDS)
            for client in done:
                client.result()  # raise our own bugs
        finally:  # the verdict finds clients without a response
            for task in [wreaking, *clients]:
                task.cancel()
        audited, violations = await verdict.judge(site, load.records)
        violations += verdict.named_in(folder, load.records)
    print("\n".join(report.lines(load, havoc.done, audited, lasted)))
    keep(folder / "clients.jsonl", load.records)
    keep(folder / "faults.jsonl", havoc.done)
    return violations


def start_clients(
    http: httpx2.AsyncClient, load: Load, seed: int, until: float, bookings: int
) -> set[asyncio.Task[None]]:
    """Start clients, which do errands until both minimums are reached."""
    numbers = count(1)

    async def client() -> None:
        for number in numbers:
            if number > bookings and time.monotonic() > until:
                return
            errand = plan.errand(seed, number)
            await Client(http, load, errand).run()
            await asyncio.sleep(errand.idle)

    return {asyncio.create_task(client()) for _ in range(CLIENTS)}


if __name__ == "__main__":
    sys.exit(main())
