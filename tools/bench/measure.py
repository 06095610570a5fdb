"""One measurement: a subject under a load."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import NamedTuple

from tools.bench.load import Task
from tools.bench.proc import cpu_ms
from tools.bench.subjects import Subject

PAUSE = 4.0
"""Seconds after the load for which CPU time still counts.

A step leaves a timer, which the server processes three seconds later. That is part of the booking's
cost, and must not be charged to the next measurement.
"""


class Case(NamedTuple):
    """A case to measure; `subject` and `path` are names."""

    subject: str
    path: str
    clients: int


@dataclass(frozen=True)
class Figures:
    """One measurement: bookings a second, milliseconds, and CPU milliseconds per booking."""

    per_second: float
    p50: float
    p99: float
    slowest: float
    cpu: dict[str, float]

    @property
    def cpu_without_load(self) -> float:
        """CPU milliseconds per booking of everything but the load."""
        return sum(ms for process, ms in self.cpu.items() if process != "load")


class Results(dict[Case, list[Figures]]):
    """The figures of every repetition, by case."""

    def ratios(self, over: Case, under: Case, figure: str) -> list[float]:
        """One case's figure divided by another's, for each repetition."""
        pairs = zip(self[over], self[under], strict=True)
        return [getattr(above, figure) / getattr(below, figure) for above, below in pairs]


def measure(subject: Subject, task: Task, pause: float = 0) -> Figures:
    """Measure a subject under a load; see `PAUSE`."""
    before = {name: cpu_ms(pid) for name, pid in subject.processes.items()}
    done = subject.load.run(task)
    time.sleep(pause)
    used = {name: cpu_ms(pid) - before[name] for name, pid in subject.processes.items()}
    return Figures(
        per_second=task.bookings / done.seconds,
        p50=median(done.latencies),
        p99=percentile(done.latencies, 99),
        slowest=max(done.latencies),
        cpu={name: ms / task.bookings for name, ms in (used | {"load": done.cpu_ms}).items()},
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of the values do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
