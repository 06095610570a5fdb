"""The effect of more workers, `make bench-workers`.

It measures the throughput with 1, 2 and 4 worker processes, and how long a new worker takes for a
backlog. It writes `workers.md`.
"""

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median

from tools.bench import machine
from tools.bench.load import Task
from tools.bench.measure import measure
from tools.bench.report import save, spread, table
from tools.bench.subjects import Subject, Tuned, laboratory, running
from tools.helpers.processes import ROOT, Started, wait_until
from tools.helpers.service import Service

COUNTS = (1, 2, 4)


def start_up_to(service: Service, workers: list[Started], count: int) -> None:
    """Start workers until there are `count`."""
    while len(workers) < count:
        workers.append(service.start_worker())


def stop_all(workers: list[Started]) -> None:
    """Stop all workers, as a deployment does."""
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.status()
    workers.clear()


def backlog_seconds(service: Service, ours: Subject, bookings: int) -> float:
    """The seconds that a new worker takes for a backlog of bookings."""
    ours.load.run(Task(16, bookings, "unwaited"))
    begun = time.perf_counter()
    service.start_worker()
    wait_until(lambda: asyncio.run(running(ours.temporal_port)) == 0, timeout=600)
    return time.perf_counter() - begun


def main() -> None:
    """Measure workers."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.workers", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--bookings", type=int, default=200, help="per measurement")
    parser.add_argument("--backlog", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=ROOT / "tools" / "bench")
    args = parser.parse_args()
    speeds: dict[int, list[float]] = {count: [] for count in COUNTS}
    with laboratory() as (stack, folder):
        tuned = Tuned(stack, folder)
        service = tuned.service()
        ours = tuned.ours(service)
        workers: list[Started] = []
        for _ in range(args.repetitions):
            for count in COUNTS:
                start_up_to(service, workers, count)
                ours.load.run(Task(8, 16))  # warm up
                speeds[count].append(measure(ours, Task(32, args.bookings)).per_second)
                print(f"{count} workers: {speeds[count][-1]:.1f} bookings/s", flush=True)
            stop_all(workers)
        seconds = backlog_seconds(service, ours, args.backlog)
        facts = machine.describe(folder)
    parts = [
        "# Workers",
        "Bookings a second by 32 clients, median (min to max). Written by `make bench-workers`.",
        table(("machine", ""), facts.items()),
        table(
            ("worker processes", "bookings/s", "to one"),
            (
                [str(count), spread(found), f"{median(found) / median(speeds[1]):.2f}"]
                for count, found in speeds.items()
            ),
        ),
        f"A new worker cleared a backlog of {args.backlog} bookings in {seconds:.0f} s, including"
        f" its start: {args.backlog / seconds:.0f} a second.",
    ]
    save(args.output / "workers.md", parts)


if __name__ == "__main__":
    main()
