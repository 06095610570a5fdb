"""The goals of the service, and whether a run has met them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import ge, le, lt
from statistics import median

from tools.bench.measure import Case, Figures, Results
from tools.bench.proc import Memory

CPU = "CPU ms per booking at 32 clients, all processes but the load's"

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
        *to_regular(results),
        *to_floor(results, "regular", "floor", (1.25, 0.85, 1.3)),
        *to_floor(results, "regular", "lean", (1.25, 0.85, 1.3)),
        *to_floor(results, "ours", "lean", (0.75, 1.5, 0.7)),
        Goal("p50 at 1 client, the naive service's to ours", "≥", 10, to_naive),
        Goal("slowest of many bookings in a row, to their p50", "<", 10, [row.slowest / row.p50]),
        Goal("p50 at 1 client, rollback to happy path", "≤", 2, rollback),
        Goal("web process's MiB while many requests wait (RSS)", "<", 150, [waiting.rss]),
    ]


def to_regular(results: Results) -> list[Goal]:
    """The goals of first tries, relative to bookings without them."""
    latency, speed, cpu = compared(results, "ours", "regular")
    ours, regular = (Case(name, "rollback", 32) for name in ("ours", "regular"))
    undone = results.ratios(ours, regular, "cpu_without_load")
    return [
        Goal("p50 at 1 client, ours to regular", "≤", 0.65, latency),
        Goal("bookings/s at 32 clients, ours to regular", "≥", 1.7, speed),
        Goal(f"{CPU}, ours to regular", "≤", 0.6, cpu),
        Goal("the same of a rollback, ours to regular", "≤", 0.6, undone),
    ]


def to_floor(
    results: Results, name: str, floor: str, limits: tuple[float, float, float]
) -> list[Goal]:
    """The goals of a subject of ours relative to the cost of Temporal itself."""
    latency, speed, cpu = compared(results, name, floor)
    slowest, fewest, most = limits
    return [
        Goal(f"p50 at 1 client, {name} to {floor}", "≤", slowest, latency),
        Goal(f"bookings/s at 32 clients, {name} to {floor}", "≥", fewest, speed),
        Goal(f"{CPU}, {name} to {floor}", "≤", most, cpu),
    ]


def compared(results: Results, over: str, under: str) -> Iterator[list[float]]:
    """The ratios of two subjects' latency, speed and CPU time."""
    for clients, figure in ((1, "p50"), (32, "per_second"), (32, "cpu_without_load")):
        above, below = (Case(name, "happy", clients) for name in (over, under))
        yield results.ratios(above, below, figure)
