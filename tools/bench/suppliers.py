"""The throughput of a supplier's database, `make bench-suppliers`.

Threads reserve at one supplier, as a worker's steps do: each its own item, or all one item, whose
row they have to lock in turn. It writes `suppliers.md`.
"""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from uuid import uuid4

from suppliers.sql import SqlSupplier
from tools.bench import machine
from tools.bench.report import save, spread, table
from tools.bench.subjects import laboratory
from tools.helpers.postgres import postgres_server
from tools.helpers.processes import ROOT

THREADS = (1, 4, 10)
ITEMS = ("of its own", "the same")

Case = tuple[str, int, str]


def per_second(supplier: SqlSupplier, threads: int, items: str, seconds: float) -> float:
    """The reservations a second that these threads make."""
    begun = time.perf_counter()

    def reserve(thread: int) -> int:
        item = f"item {thread if items == ITEMS[0] else 0}"
        made = 0
        while time.perf_counter() - begun < seconds:
            supplier.reserve(uuid4().hex, item, "Ada Load")
            made += 1
        return made

    with ThreadPoolExecutor(threads) as pool:
        made = sum(pool.map(reserve, range(threads)))
    return made / (time.perf_counter() - begun)


def main() -> None:
    """Measure suppliers."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.suppliers", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="per measurement")
    parser.add_argument("--output", type=Path, default=ROOT / "tools" / "bench")
    args = parser.parse_args()
    with laboratory() as (stack, folder):
        suppliers = {
            "SQLite": SqlSupplier(f"sqlite:///{folder / 'car.db'}", "car"),
            "PostgreSQL": SqlSupplier(stack.enter_context(postgres_server(durable=True)), "car"),
        }
        cases = list(product(suppliers, THREADS, ITEMS))
        found: dict[Case, list[float]] = {case: [] for case in cases}
        for _, case in product(range(args.repetitions), cases):
            name, threads, items = case
            found[case].append(per_second(suppliers[name], threads, items, args.seconds))
            print(f"{name}, {threads} threads, item {items}: {found[case][-1]:.0f}/s", flush=True)
        for supplier in suppliers.values():
            supplier.close()
        facts = machine.describe(folder) | {
            "PostgreSQL's files": machine.file_system(Path(tempfile.gettempdir()))
        }
    parts = [
        "# Suppliers",
        "Reservations a second at one supplier from one process, each a transaction that is synced:"
        " median (min to max). Written by `make bench-suppliers`.",
        table(("machine", ""), facts.items()),
        table(
            ("database", "threads", "item", "reservations/s"),
            ([name, str(count), items, spread(it)] for (name, count, items), it in found.items()),
        ),
    ]
    save(args.output / "suppliers.md", parts)


if __name__ == "__main__":
    main()
