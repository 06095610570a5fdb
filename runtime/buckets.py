"""Leaky buckets: how much of something somebody may do."""

from collections import OrderedDict
from threading import Lock
from time import monotonic

MOST = 10_000
"""How many buckets are kept; the ones longest unused are forgotten, as if they were empty."""


class Buckets:
    """A bucket for each key, which leaks at a steady rate; for any thread.

    Args:
        size: How much a bucket holds.
        leak: How much leaks out in a second.
    """

    def __init__(self, size: float, leak: float) -> None:
        self._size = size
        self._leak = leak
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def add(self, key: str) -> float | None:
        """Add one, and return the level; None: it is full, and nothing was added."""
        now = monotonic()
        with self._lock:
            level, since = self._levels.pop(key, (0.0, now))
            level = max(0.0, level - (now - since) * self._leak)
            added = level + 1 <= self._size
            self._levels[key] = level + added, now
            if len(self._levels) > MOST:
                self._levels.popitem(last=False)
        return level + 1 if added else None
