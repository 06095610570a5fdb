"""What a booking costs on the cluster, beside the embedded server: `make bench-cluster`.

It prints bookings a second by 32 clients, and CPU milliseconds a booking for each program.
"""

import argparse
import asyncio
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx2
import psutil

from tools.bench.measure import PAUSE, percentile
from tools.bench.proc import cpu_ms
from tools.chaos.site import Site, cluster_site, site
from tools.helpers.service import GOOD

CLIENTS = 32
PATIENT = {"BOOK_WAIT_SECONDS": "60", "LEG_DEADLINE": "60"}
PROGRAMS = {
    "run_worker.py": "worker",
    "run_workflow.py": "web",
    "suppliers serve": "suppliers",
    "cluster.proxy": "proxy",
    "cluster.frontend": "supervision",
    "local.run_temporal": "supervision",
    "--service frontend": "frontend",
    "--service history": "history",
    "--service matching": "matching",
    "--service worker": "system worker",
    "start-dev": "Temporal (embedded)",
    "postgres": "PostgreSQL",
}


def cpu_by_program(running: Site) -> Counter[str]:
    """The CPU milliseconds of the site's programs so far."""
    used: Counter[str] = Counter()
    for pid in running.system.pids():
        process = psutil.Process(pid)
        command = " ".join(process.cmdline())
        program = next((name for words, name in PROGRAMS.items() if words in command), "other")
        # PostgreSQL's backends write over the environment by which descendants are recognised.
        own = 1000 * sum(process.cpu_times()[:2])
        used[program] += round(cpu_ms(pid) if program == "PostgreSQL" else own)
    return used


async def book(running: Site, bookings: int) -> tuple[float, list[float]]:
    """Book by all clients at once; the seconds in all, and the milliseconds of each."""
    numbers, took = count(), list[float]()
    trust = ssl.create_default_context(cafile=running.environment.get("SSL_CERT_FILE"))
    begun = time.perf_counter()

    async def client() -> None:
        async with httpx2.AsyncClient(
            base_url=running.url, verify=trust, timeout=60, trust_env=False
        ) as http:
            while next(numbers) < bookings:
                sent = time.perf_counter()
                answer = await http.post("/book", json=GOOD)
                assert answer.json().get("status") == "booked", answer.text
                took.append(1000 * (time.perf_counter() - sent))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return time.perf_counter() - begun, took


def measure(name: str, running: Site, bookings: int) -> None:
    """Print the figures of one site."""
    asyncio.run(book(running, 100))  # warm up
    time.sleep(PAUSE)
    before = cpu_by_program(running)
    seconds, took = asyncio.run(book(running, bookings))
    time.sleep(PAUSE)
    used = cpu_by_program(running)
    used.subtract(before)
    print(f"{name}: {bookings / seconds:.1f} bookings/s, p50 {percentile(took, 50):.0f} ms,"
          f" p99 {percentile(took, 99):.0f} ms; CPU ms a booking:")  # fmt: skip
    for program, ms in used.most_common():
        if ms / bookings >= 0.05:
            print(f"  {program:<22}{ms / bookings:.1f}")
    print(f"  {'all':<22}{used.total() / bookings:.1f}", flush=True)


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder for one site."""
    with tempfile.TemporaryDirectory(prefix="costs-") as folder:
        yield Path(folder)


def main() -> int:
    """Measure the embedded server, then clusters with more and more workers."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster.costs", description=__doc__)
    parser.add_argument("--bookings", type=int, default=500, help="per measurement")
    bookings = parser.parse_args().bookings
    with fresh_folder() as folder, site(folder, **PATIENT) as running:
        measure("embedded server, 1 worker", running, bookings)
    for workers in (1, 2, 4):
        with fresh_folder() as folder, cluster_site(folder, workers, **PATIENT) as running:
            measure(f"cluster, workers: {workers}", running, bookings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
