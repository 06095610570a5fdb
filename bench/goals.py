"""What the service is to reach, and whether a run has reached it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, le, lt
from statistics import median

from bench.measure import Case, Figures, Results
from bench.proc import Memory

HOLDS: dict[str, Callable[[float, float], bool]] = {"≤": le, "≥": ge, "<": lt}


@dataclass(frozen=True)
class Goal:
    """A figure that has a limit, as it was measured; of several values, the median counts."""

    figure: str
    relation: str
    limit: float
    values: Sequence[float]

    @property
    def met(self) -> bool:
        """Whether the limit is kept."""
        return HOLDS[self.relation](median(self.values), self.limit)


def goals(results: Results, row: Figures, waiting: Memory) -> list[Goal]:
    """The goals, with what a run has measured."""
    floor_1, floor_32 = Case("floor", "happy", 1), Case("floor", "happy", 32)
    ours_1, ours_32 = Case("ours", "happy", 1), Case("ours", "happy", 32)
    ratios = results.ratios
    return [
        Goal("p50 at 1 client, to the floor", "≤", 1.25, ratios(ours_1, floor_1, "p50")),
        Goal(
            "bookings/s at 32 clients, to the floor",
            "≥",
            0.85,
            ratios(ours_32, floor_32, "per_second"),
        ),
        Goal(
            "CPU ms per booking at 32 clients, all processes but the load's, to the floor",
            "≤",
            1.30,
            ratios(ours_32, floor_32, "cpu_without_load"),
        ),
        Goal(
            "p50 at 1 client, the naive service's to ours",
            "≥",
            7,
            ratios(Case("naive", "happy", 1), ours_1, "p50"),
        ),
        Goal("slowest of many bookings in a row, to their p50", "<", 10, [row.slowest / row.p50]),
        Goal(
            "p50 at 1 client, rollback to happy path",
            "≤",
            2,
            ratios(Case("ours", "rollback", 1), ours_1, "p50"),
        ),
        Goal("web process's MiB while many requests wait (RSS)", "<", 150, [waiting.rss]),
    ]
