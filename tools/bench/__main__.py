"""The benchmark, `make bench`. It writes `results.md`."""

import argparse
import asyncio
from collections.abc import Iterable
from pathlib import Path

from tools.bench import machine, report
from tools.bench.load import Task
from tools.bench.measure import PAUSE, Case, Figures, Results, measure
from tools.bench.proc import Memory, memory
from tools.bench.subjects import Kept, Subject, Tuned, kept, laboratory, naive, running
from tools.helpers.processes import ROOT, wait_until

FLOORS = ("floor", "lean", "local")

NAIVE_SHARE = 3
"""The factor by which the naive service gets fewer bookings, because it is slower."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--bookings", type=int, default=120, help="per measurement")
    parser.add_argument("--in-a-row", type=int, default=1000, help="to find the slowest one")
    parser.add_argument("--waiting", type=int, default=200, help="concurrently waiting requests")
    parser.add_argument(
        "--quick", action="store_true", help="a short trial; the figures mean little"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "tools" / "bench", help="the folder to write to"
    )
    args = parser.parse_args()
    args.clients, args.pause = [1, 8, 32, 64], PAUSE
    if args.quick:
        args.repetitions, args.bookings, args.in_a_row, args.waiting = 1, 12, 20, 20
        args.clients, args.pause = [1, 32], 0
    return args


def bookings_for(case: Case, bookings: int) -> int:
    """The number of bookings for a case: fewer if each is slow."""
    share = 3 if case.clients == 1 else 1
    if case.subject == "naive":
        share *= NAIVE_SHARE
    return max(bookings // share, case.clients, 4)


def cases(names: Iterable[str], clients: Iterable[int]) -> list[Case]:
    """The cases of a repetition, in order, with those to compare next to each other."""
    return [
        Case(name, path, count)
        for count in clients
        for path in ("happy", "rollback")
        for name in names
        if path == "happy" or name not in FLOORS
    ]


def measure_all(subjects: dict[str, Subject], args: argparse.Namespace) -> Results:
    """Measure every case in every repetition."""
    order = cases(subjects, args.clients)
    results = Results({case: [] for case in order})
    for repetition in range(args.repetitions):
        # Alternate the order, so no case always runs after the same other one.
        for case in order if repetition % 2 == 0 else reversed(order):
            task = Task(case.clients, bookings_for(case, args.bookings), case.path)
            results[case].append(measure(subjects[case.subject], task, args.pause))
            show(case, results[case][-1])
    return results


def show(case: Case, figures: Figures) -> None:
    """Print a result, as progress."""
    print(
        f"{case.subject:7} {case.path:8} {case.clients:2} clients:"
        f" {figures.per_second:5.1f} bookings/s, p50 {figures.p50:6.1f} ms,"
        f" {figures.cpu_without_load:5.1f} ms CPU",
        flush=True,
    )


def kept_of_one(subjects: dict[str, Subject]) -> dict[tuple[str, str], Kept]:
    """Make one booking per subject and path, and measure what Temporal keeps of it."""
    found = {}
    for case in cases(subjects, [1]):
        subject = subjects[case.subject]
        last = subject.load.run(Task(1, 1, case.path)).last_id
        found[case.subject, case.path] = asyncio.run(kept(subject.temporal_port, last))
    return found


def begin_waiting(web: Subject, requests: int) -> Memory:
    """Send requests that wait for a worker; the web process's memory while they do."""
    # A burst would get 503s if the machine could not start all of them within 2.5 s.
    web.load.begin(Task(requests, requests, stagger=0.03))
    wait_until(lambda: asyncio.run(running(web.temporal_port)) == requests, timeout=60)
    return memory(web.processes["web"])


def main() -> None:
    """Run the benchmark."""
    args = arguments()
    with laboratory() as (stack, folder):
        tuned = Tuned(stack, folder)
        service = tuned.service()
        ours = tuned.ours(service)
        waiting = begin_waiting(ours, args.waiting)
        ours.processes["worker"] = service.start_worker().process.pid
        ours.load.end()
        regular = tuned.ours(tuned.service(FIRST_TRY="0"), "regular")
        regular.processes["worker"] = ours.processes["worker"]
        floors = [tuned.floor(kind) for kind in FLOORS]
        subjects = {it.name: it for it in (*floors, ours, regular, naive(stack, folder))}
        for subject in subjects.values():
            subject.load.run(Task(4, 12))  # warm up
        counted = kept_of_one(subjects)
        run = report.Run(
            machine=machine.describe(folder),
            settings=vars(args),
            results=measure_all(subjects, args),
            row=measure(ours, Task(1, args.in_a_row)),
            waiting=waiting,
            kept=counted,
            memory={
                (name, process): memory(pid)
                for name, subject in subjects.items()
                for process, pid in subject.processes.items()
            },
        )
    report.write(args.output, run)


if __name__ == "__main__":
    main()
