"""The report of a run: `results.md`, and its plot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tools.bench.goals import Goal, goals
from tools.bench.measure import Case, Figures, Results
from tools.bench.plot import Bar, bars
from tools.bench.proc import Memory
from tools.bench.subjects import Kept

PROCESSES = ("Temporal", "worker", "web", "load")


@dataclass(frozen=True)
class Run:
    """The measurements of a run."""

    machine: dict[str, str]
    settings: dict[str, Any]
    results: Results
    row: Figures
    waiting: Memory
    kept: dict[tuple[str, str], Kept]
    memory: dict[tuple[str, str], Memory]


def write(folder: Path, run: Run) -> None:
    """Write the report of a run into a folder, with its plot."""
    save(folder / "results.md", parts(run))
    (folder / "results.svg").write_text(plot(run.results))


def save(file: Path, paragraphs: Sequence[str]) -> None:
    """Write a report, and create its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n\n".join(paragraphs) + "\n")
    print(f"Written: {file}")


def parts(run: Run) -> list[str]:
    """The report's paragraphs, in Markdown."""
    repetitions = run.settings["repetitions"]
    return [
        "# Results",
        "Written by `make bench`; [README.md](README.md) explains the figures.",
        table(("machine", ""), run.machine.items()),
        "## Goals",
        f"Repetitions: {repetitions}. A ratio is one within a repetition; their median counts.",
        table(("figure", "goal", "measured", "min to max", ""), map(goal_row, found_goals(run))),
        "![Bookings a second, and CPU for each](results.svg)",
        "## Bookings",
        "Of all repetitions: median (min to max). Times in milliseconds.",
        table(
            ("", "path", "clients", "bookings/s", "p50", "p99", "slowest"),
            (speed_row(case, figures) for case, figures in run.results.items()),
        ),
        f"Of {run.settings['in_a_row']} bookings of ours in a row, by one client: p50"
        f" {run.row.p50:.1f} ms, p99 {run.row.p99:.1f} ms, slowest {run.row.slowest:.1f} ms.",
        "## CPU milliseconds per booking, by process",
        table(
            ("", "path", "clients", *PROCESSES, "all but the load"),
            (cpu_row(case, figures) for case, figures in run.results.items()),
        ),
        "## Memory after the run, in MiB",
        table(("", "process", "RSS", "PSS"), map(memory_row, run.memory.items())),
        f"Our web process with {run.settings['waiting']} waiting requests:"
        f" RSS {run.waiting.rss:.0f} MiB, PSS {run.waiting.pss:.0f} MiB.",
        "## What Temporal keeps of a booking",
        table(
            ("", "path", "history events", "history bytes", "state transitions"),
            ((*key, *map(str, counts)) for key, counts in run.kept.items()),
        ),
    ]


def found_goals(run: Run) -> list[Goal]:
    """The goals, with this run's values."""
    return goals(run.results, run.row, run.waiting)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread(values: Sequence[float]) -> str:
    """The median of some values, with their minimum and maximum."""
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def goal_row(goal: Goal) -> list[str]:
    """A row of the table of goals."""
    measured, low, high = median(goal.values), min(goal.values), max(goal.values)
    limit = f"{goal.relation} {goal.limit:g}"
    verdict = "pass" if goal.met else "**miss**"
    return [goal.figure, limit, f"{measured:.2f}", f"{low:.2f} to {high:.2f}", verdict]


def speed_row(case: Case, figures: list[Figures]) -> list[str]:
    """A row of the table of speeds."""
    values = [[it.per_second, it.p50, it.p99, it.slowest] for it in figures]
    return [case.subject, case.path, str(case.clients), *map(spread, zip(*values, strict=True))]


def cpu_row(case: Case, figures: list[Figures]) -> list[str]:
    """A row of the table of CPU times; a subject may lack a process."""
    by_process = [
        spread([it.cpu[name] for it in figures]) if name in figures[0].cpu else "-"
        for name in PROCESSES
    ]
    total = spread([it.cpu_without_load for it in figures])
    return [case.subject, case.path, str(case.clients), *by_process, total]


def memory_row(row: tuple[tuple[str, str], Memory]) -> list[str]:
    """A row of the table of memory."""
    (subject, process), memory = row
    return [subject, process, f"{memory.rss:.0f}", f"{memory.pss:.0f}"]


def plot(results: Results) -> str:
    """The plot of the happy path: bookings a second, and CPU per booking, by process."""
    happy = {case: figures for case, figures in results.items() if case.path == "happy"}
    speed, cpu = [], []
    for case, figures in happy.items():
        label = f"{case.subject}, {case.clients}"
        speed.append(Bar(label, {"bookings/s": median(it.per_second for it in figures)}))
        parts = {
            name: median(it.cpu[name] for it in figures)
            for name in PROCESSES
            if name in figures[0].cpu and name != "load"
        }
        cpu.append(Bar(label, parts))
    return bars({"Bookings a second, by clients": speed, "CPU ms per booking, by clients": cpu})
