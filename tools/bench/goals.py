"""The goals of the service, and whether a run has met them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, le, lt
from statistics import median

from tools.bench.measure import Case, Figures, Results
from tools.bench.proc import Memory

HOLDS: dict[str, Callable[[float, float], bool]] = {"≤": le, "≥": ge, "<": lt}


@dataclass(frozen=True)
class Goal:
    """A measured figure with a limit, which applies to the median of its values."""

    figure: str
    relation: str
    limit: float
    values: Sequence[float]

    @property
    def met(self) -> bool:
        """Whether the median is within the limit."""
        return HOLDS[self.relation](median(self.values), self.limit)


def goals(results: Results, row: Figures, waiting: Memory) -> list[Goal]:
    """The goals, with the figures of a run."""
    naive_1, ours_1 = Case("naive", "happy", 1), Case("ours", "happy", 1)
    to_naive = results.ratios(naive_1, ours_1, "p50")
    rollback = results.ratios(Case("ours", "rollback", 1), ours_1, "p50")
    return [
        *to_floor(results, "floor", "the floor"),
        *to_floor(results, "lean", "the lean floor"),
        Goal("p50 at 1 client, the naive service's to ours", "≥", 7, to_naive),
        Goal("slowest of many bookings in a row, to their p50", "<", 10, [row.slowest / row.p50]),
        Goal("p50 at 1 client, rollback to happy path", "≤", 2, rollback),
        Goal("web process's MiB while many requests wait (RSS)", "<", 150, [waiting.rss]),
    ]


def to_floor(results: Results, floor: str, words: str) -> list[Goal]:
    """The goals relative to the cost of Temporal itself."""
    latency, speed, cpu = (
        results.ratios(Case("ours", "happy", clients), Case(floor, "happy", clients), figure)
        for clients, figure in ((1, "p50"), (32, "per_second"), (32, "cpu_without_load"))
    )
    all_but = "CPU ms per booking at 32 clients, all processes but the load's"
    return [
        Goal(f"p50 at 1 client, to {words}", "≤", 1.25, latency),
        Goal(f"bookings/s at 32 clients, to {words}", "≥", 0.85, speed),
        Goal(f"{all_but}, to {words}", "≤", 1.30, cpu),
    ]
