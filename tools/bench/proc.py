"""The CPU time and memory of processes and their descendants."""

from typing import NamedTuple

import psutil


class Memory(NamedTuple):
    """Memory in MiB; `pss` counts shared memory only once."""

    rss: float
    pss: float


def tree(pid: int) -> list[psutil.Process]:
    """A process and its living descendants."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_ms(pid: int) -> float:
    """The CPU milliseconds of a process and its descendants, including ended ones."""
    return sum(1000 * sum(member.cpu_times()[:4]) for member in tree(pid))


def memory(pid: int) -> Memory:
    """The memory of a process and its descendants."""
    used = [member.memory_full_info() for member in tree(pid)]
    return Memory(*(sum(getattr(it, kind) for it in used) / 2**20 for kind in ("rss", "pss")))
