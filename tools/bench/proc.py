"""The CPU time and memory of processes, from Linux's /proc."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MS_PER_TICK = 1000 / os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Memory in MiB; `pss` counts shared memory only once."""

    rss: float
    pss: float


def tree(pid: int) -> Iterator[int]:
    """Yield a process and its living descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def cpu_ms(pid: int) -> float:
    """The CPU milliseconds of a process and its descendants, including ended ones."""
    ticks = 0
    for member in tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))  # own and ended children's, user and system
    return ticks * MS_PER_TICK


def memory(pid: int) -> Memory:
    """The memory of a process and its descendants."""
    kib = {"Rss:": 0, "Pss:": 0}
    for member in tree(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            name, *value = line.split()
            if name in kib:
                kib[name] += int(value[0])
    return Memory(kib["Rss:"] / 1024, kib["Pss:"] / 1024)
