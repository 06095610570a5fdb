"""A share of threads for one neighbour: what is slow there takes no thread from anybody else."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from time import monotonic
from typing import Any, TypeVar

from suppliers import Busy, Refused

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that a call waits for a place: enough for a burst of quick calls. Waiting longer would
hold a step of the worker on behalf of a neighbour that is slow."""

SLOW = 1.0
"""Seconds after which a call that then fails has been in the way of others."""

SUSPECT_PLACES = 2
MOST_SUSPECTS = 1000


class NoPlace(Exception):
    """Others held all places, and nothing was tried; the text is for people."""


class Bulkhead:
    """Runs blocking calls in `places` threads of its own; for one event loop.

    A place is free again when its call has ended, not when nobody waits for it any more. A subject
    about which a call was slow and failed, such as one hotel of the many at a supplier, is a
    suspect: until a call about it ends well it has two places, and the others have the rest.
    """

    def __init__(self, name: str, places: int) -> None:
        self._words = f"The {name} is busy."
        self._threads = ThreadPoolExecutor(places, thread_name_prefix=name)
        self._free = asyncio.Semaphore(places)
        self._running: Counter[str] = Counter()
        self._suspects: set[str] = set()

    async def run(self, subject: str, call: Callable[..., T], *args: Any) -> T:
        """Run a call about a subject.

        Raises:
            NoPlace: No place became free in time.
            Busy: Calls about this subject hang, and hold all places that it may have.
        """
        self._make_way(subject)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
        except TimeoutError:
            raise NoPlace(self._words) from None
        try:
            self._make_way(subject)  # it may have become a suspect meanwhile
        except Busy:
            self._free.release()
            raise
        return await asyncio.wrap_future(self._begin(subject, call, *args))

    def _begin(self, subject: str, call: Callable[..., T], *args: Any) -> Future[T]:
        self._running[subject] += 1
        loop, started = asyncio.get_running_loop(), monotonic()
        # With the context, so that what the call logs and traces is about the same booking.
        future = self._threads.submit(copy_context().run, call, *args)

        def ended(future: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the worker has stopped
                loop.call_soon_threadsafe(self._ended, subject, monotonic() - started, future)

        future.add_done_callback(ended)
        return future

    def _ended(self, subject: str, seconds: float, future: Future[Any]) -> None:
        self._free.release()
        self._running -= Counter([subject])
        error = None if future.cancelled() else future.exception()
        if error is None or isinstance(error, Refused):
            self._suspects.discard(subject)
        elif seconds > SLOW:
            if len(self._suspects) >= MOST_SUSPECTS:
                self._suspects.clear()
            self._suspects.add(subject)

    def _make_way(self, subject: str) -> None:
        if subject in self._suspects and self._running[subject] >= SUSPECT_PLACES:
            raise Busy(self._words)
