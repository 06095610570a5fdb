"""The effect of growth, `make bench-growth`.

It compares a service that has many closed and open bookings with an empty one that runs at the
same time, and writes `growth.md`.
"""

import argparse
import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from tools.bench import machine
from tools.bench.load import Task
from tools.bench.measure import percentile
from tools.bench.proc import memory
from tools.bench.report import save, table
from tools.bench.subjects import Subject, Tuned, laboratory
from tools.helpers.processes import ROOT
from tools.helpers.service import Service

STEPS = 10
"""The number of memory readings while the bookings are made."""

SETTLING = 60
"""Seconds until stuck undos are retried at their slowest pace, and measuring starts."""

Times = list[float]


class Grown:
    """A service with a growing number of bookings."""

    def __init__(self, tuned: Tuned) -> None:
        self.service: Service = tuned.service()
        self.subject: Subject = tuned.ours(self.service)
        self.subject.processes["worker"] = self.service.start_worker().process.pid
        self.http = HTTPConnection("127.0.0.1", int(self.service.environment["PORT"]))
        self.last_id = self.subject.load.run(Task(4, 40)).last_id

    def measure(self, times: int) -> dict[str, Times]:
        """The milliseconds that a new booking, its page and the list take."""
        booked = self.subject.load.run(Task(1, times))
        self.last_id = booked.last_id
        return {
            "new booking": booked.latencies,
            "booking's page": self.get(f"/bookings/{self.last_id}", times),
            "list": self.get("/bookings", times),
        }

    def get(self, path: str, times: int) -> Times:
        """The milliseconds that a page takes."""
        self.http.close()  # reconnect: the server may have closed an idle connection
        return [timed(lambda: self._get(path)) for _ in range(times)]

    def _get(self, path: str) -> None:
        self.http.request("GET", path, headers={"Accept": "application/json"})
        answer = self.http.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {body.decode()}")
        json.loads(body)

    def memory_row(self, bookings: int) -> list[str]:
        """The memory of the processes, as a row of a table."""
        processes = self.subject.processes
        mib = [f"{memory(processes[name]).rss:.0f}" for name in ("Temporal", "worker", "web")]
        return [str(bookings), *mib]


def timed(do: Callable[[], None]) -> float:
    """The milliseconds that a call takes."""
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1000


def row(name: str, empty: list[Times], grown: list[Times]) -> list[str]:
    """A row that compares two services; the ratio is the median over the rounds."""
    ratios = [median(full) / median(none) for full, none in zip(grown, empty, strict=True)]
    cells = [name]
    for rounds in (empty, grown):
        every = [it for times in rounds for it in times]
        cells += [f"{median(every):.1f}", f"{percentile(every, 99):.1f}"]
    return [*cells, f"{median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]


def main() -> None:
    """Measure growth."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.growth", description=__doc__)
    parser.add_argument("--closed", type=int, default=10_000)
    parser.add_argument("--open", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=40, help="per round")
    parser.add_argument("--settling", type=float, default=SETTLING, help="seconds")
    parser.add_argument("--output", type=Path, default=ROOT / "tools" / "bench")
    args = parser.parse_args()
    with laboratory() as (stack, folder):
        empty = Grown(Tuned(stack, folder / "empty"))
        grown = Grown(Tuned(stack, folder / "grown"))
        sizes = [grown.memory_row(40)]
        for step in range(1, STEPS + 1):
            grown.subject.load.run(Task(32, args.closed // STEPS))
            sizes.append(grown.memory_row(40 + step * (args.closed // STEPS)))
            print(sizes[-1], flush=True)
        grown.subject.load.run(Task(8, args.open, "stuck"))
        time.sleep(args.settling)
        rounds = [
            (empty.measure(args.times), grown.measure(args.times)) for _ in range(args.rounds)
        ]
        facts = machine.describe(folder)
        speeds = [
            row(name, [none[name] for none, _ in rounds], [full[name] for _, full in rounds])
            for name in rounds[0][0]
        ]
    head = ("milliseconds", "empty p50", "p99", "grown p50", "p99", "ratio of p50", "min to max")
    parts = [
        "# Growth",
        f"A service with {args.closed} closed bookings and {args.open} open ones, whose undo is"
        " stuck and retried every 30 s, compared with an empty one on the same machine."
        " Written by `make bench-growth`.",
        table(("machine", ""), facts.items()),
        table(head, speeds),
        "Memory while the bookings were made, RSS in MiB:",
        table(("bookings", "Temporal", "worker", "web"), sizes),
    ]
    save(args.output / "growth.md", parts)


if __name__ == "__main__":
    main()
