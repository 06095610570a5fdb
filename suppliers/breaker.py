"""A supplier that does not answer is left alone for a while, and bookings fail at once."""

from collections import deque
from threading import Lock
from time import monotonic

from suppliers import Busy, Supplier, Unavailable

ENOUGH = 5
"""Bookings in a row that got no answer, before others fail at once."""

PAUSE = 3.0
"""Seconds between two bookings that are let through."""


class Breaker:
    """A `Supplier` that fails fast while the one behind it does not answer.

    - It takes bookings of at least two items, with no answer to any between them: one item that
      hangs is no reason to fail those of others. A refusal is an answer.
    - Meanwhile one booking every `PAUSE` seconds is let through, to see whether it answers again.
      None waits for another, so that one that hangs delays only itself.
    - An undo is always tried, and closes the breaker if it succeeds.
    """

    def __init__(
        self,
        supplier: Supplier,
        leg: str,
        failures: tuple[type[Exception], ...] = (Unavailable,),
        pause: float = PAUSE,
    ) -> None:
        self.supplier = supplier
        self._leg = leg
        self._failures = failures
        self._pause = pause
        self._unanswered: deque[str] = deque(maxlen=ENOUGH)  # the items of the latest bookings
        self._next = 0.0
        self._lock = Lock()

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """See `Supplier.reserve`.

        Raises:
            Busy: It has not answered for a while, and was not asked.
        """
        self._admit()
        try:
            self.supplier.reserve(key, item, traveller)
        except self._failures:
            self._failed(item)
            raise
        except Exception:
            self._answered()
            raise
        self._answered()

    def release(self, key: str) -> bool:
        """See `Supplier.release`."""
        held = self.supplier.release(key)
        self._answered()
        return held

    def settle(self, key: str, note: str) -> None:
        """See `Supplier.settle`."""
        self.supplier.settle(key, note)
        self._answered()

    def forget(self, key: str) -> None:
        """See `Supplier.forget`."""
        self.supplier.forget(key)

    def close(self) -> None:
        """See `Supplier.close`."""
        self.supplier.close()

    @property
    def is_open(self) -> bool:
        """Whether bookings fail at once."""
        with self._lock:
            return self._open()

    def _admit(self) -> None:
        with self._lock:
            if not self._open():
                return
            if monotonic() < self._next:
                raise Busy(f"The {self._leg} supplier is busy.")
            self._next = monotonic() + self._pause

    def _failed(self, item: str) -> None:
        with self._lock:
            was_open = self._open()
            self._unanswered.append(item)
            if self._open() and not was_open:
                self._next = monotonic() + self._pause

    def _answered(self) -> None:
        with self._lock:
            self._unanswered.clear()

    def _open(self) -> bool:
        return len(self._unanswered) == ENOUGH and len(set(self._unanswered)) > 1
