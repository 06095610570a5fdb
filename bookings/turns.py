"""Starting bookings in turn, so that many at once wait here and not in Temporal's database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

from bookings.calls import is_slow
from bookings.errors import Overloaded, TemporalAway

T = TypeVar("T")

STARTS_AT_ONCE = 8
"""How many bookings are being started at Temporal at once: more are no faster, and with hundreds
its calls run into their time limits although it works."""

WORKS_SECONDS = 5
"""Seconds after a start for which Temporal counts as working."""

LONGEST_TURN = 20
"""Seconds that a booking waits for its turn to be started."""


class Turns:
    """The turns of all bookings that one process starts; used on one event loop only."""

    def __init__(self) -> None:
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._started_at = float("-inf")

    @asynccontextmanager
    async def next(self) -> AsyncIterator[None]:
        """Wait for a turn, in which a booking is started.

        Raises:
            Overloaded: That took too long.
        """
        try:
            async with asyncio.timeout(LONGEST_TURN):
                await self._starting.acquire()
        except TimeoutError:
            raise Overloaded from None
        try:
            yield
            self._started_at = monotonic()
        finally:
            self._starting.release()

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that is safe to repeat, and while others start, let Temporal be slow.

        Raises:
            TemporalAway: It is not slow, but away.
        """
        while True:
            try:
                return await call()
            except TemporalAway as away:
                if not is_slow(away) or monotonic() - self._started_at > WORKS_SECONDS:
                    raise
