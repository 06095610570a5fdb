"""The number of bookings with each status: open ones are counted live, ended ones are cached."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import NamedTuple

from temporalio.client import Client
from temporalio.service import RPCError

from bookings.listing import CONDITIONS, STOPPED, STUCK, Filter
from shared import CANCEL_WORKFLOW, Status

MAX_SHARE = 0.01
"""Spend at most 1 % of the time counting ended bookings.

A count takes 5 ms per thousand bookings, and no index of Temporal's SQL stores shortens that.
"""

PATIENCE = 0.5
"""Seconds that a list waits for a new count; then it shows the last one, or none."""

logger = logging.getLogger("web")


class Cached(NamedTuple):
    """Counts, and when to count again, in monotonic seconds."""

    counts: dict[Status, int]
    due: float


class Counts:
    """Counts the bookings on one server; use it on one event loop only.

    `key` is that of the search words, if they are hashes.
    """

    def __init__(self, client: Client, key: bytes = b"") -> None:
        self._client, self._key = client, key
        self._cache: dict[str | None, Cached] = {}
        self._counting: dict[str | None, asyncio.Task[None]] = {}

    async def of(self, wanted: Filter) -> dict[Status, int] | None:
        """Count the owner's bookings with each status, not only the status in the filter.

        With a traveller in the filter, all are counted live. None: there is no count yet.
        """
        wanted = wanted.model_copy(update={"status": None})
        still_open = await self.open(wanted)
        ended = await (self._ended(wanted) if wanted.traveller else self._ended_cached(wanted))
        if ended is None:
            return None
        return {status: still_open.get(status, 0) + ended.get(status, 0) for status in Status}

    async def open(self, wanted: Filter) -> dict[Status, int]:
        """Count the bookings that have not ended, with each status that they may have."""
        conditions = {
            Status.RUNNING: CONDITIONS[Status.RUNNING],
            Status.UNDOING: CONDITIONS[Status.UNDOING],
            Status.NEEDS_ATTENTION: STUCK,
        }
        base = wanted.query(True, key=self._key)
        numbers = await self._numbers(
            f"{base} AND {condition}" for condition in conditions.values()
        )
        return dict(zip(conditions, numbers, strict=True))

    async def _ended(self, wanted: Filter) -> dict[Status, int]:
        base = wanted.query(True, key=self._key)
        booked, cancelled, stopped, cancelled_later = await self._numbers(
            [
                f"{base} AND {CONDITIONS[Status.BOOKED]}",
                f"{base} AND {CONDITIONS[Status.CANCELLED]}",
                f"{base} AND {STOPPED}",
                wanted.query(True, f"WorkflowType = '{CANCEL_WORKFLOW}'", self._key),
            ]
        )
        return {
            Status.BOOKED: booked - cancelled_later,
            Status.CANCELLED: cancelled,
            Status.NEEDS_ATTENTION: stopped,
        }

    async def _numbers(self, queries: Iterable[str]) -> list[int]:
        results = await asyncio.gather(*map(self._client.count_workflows, queries))
        return [result.count for result in results]

    async def _ended_cached(self, wanted: Filter) -> dict[Status, int] | None:
        owner = wanted.owner
        if owner not in self._cache or time.monotonic() >= self._cache[owner].due:
            if owner not in self._counting:
                self._counting[owner] = asyncio.create_task(self._count_again(wanted))
            await asyncio.wait([self._counting[owner]], timeout=PATIENCE)
        return self._cache[owner].counts if owner in self._cache else None

    async def _count_again(self, wanted: Filter) -> None:
        begun = time.monotonic()
        try:
            counts = await self._ended(wanted)
            now = time.monotonic()
            self._cache[wanted.owner] = Cached(counts, due=now + (now - begun) / MAX_SHARE)
        except RPCError as error:
            logger.warning("Ended bookings could not be counted: %s", error)
        finally:
            del self._counting[wanted.owner]
