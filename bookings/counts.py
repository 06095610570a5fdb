"""How many bookings there are of each status: open ones as of now, ended ones as of late."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import NamedTuple

from temporalio.client import Client
from temporalio.service import RPCError

from bookings.listing import CONDITIONS, STOPPED, STUCK, Filter
from shared import CANCEL_WORKFLOW, Status

RARELY = 100
"""Ended bookings are counted in a hundredth of the time, or less.

It takes the longer the more there are, 5 ms for each thousand, and no index of Temporal's stores in
SQL shortens that.
"""

PATIENCE = 0.5
"""Seconds that a list waits for that; then it shows the last counts, or none."""

logger = logging.getLogger("web")


class Known(NamedTuple):
    """Counts, and when, in monotonic seconds, it is time to count again."""

    counts: dict[Status, int]
    due: float


class Counts:
    """The counts of one server's bookings; used on one event loop only."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Known] = {}
        self._counting: dict[str, asyncio.Task[None]] = {}

    async def of(self, wanted: Filter) -> dict[Status, int] | None:
        """How many of the owner's bookings there are of each status, whichever is asked for.

        A traveller's are counted as of now. None: it is not known yet.
        """
        wanted = wanted.model_copy(update={"status": None})
        still_open = await self._open(wanted)
        ended = await (self._ended(wanted) if wanted.traveller else self._ended_of_late(wanted))
        if ended is None:
            return None
        return {status: still_open.get(status, 0) + ended.get(status, 0) for status in Status}

    async def _open(self, wanted: Filter) -> dict[Status, int]:
        conditions = {
            Status.RUNNING: CONDITIONS[Status.RUNNING],
            Status.UNDOING: CONDITIONS[Status.UNDOING],
            Status.NEEDS_ATTENTION: STUCK,
        }
        base = wanted.query(True)
        numbers = await self._numbers(f"{base} AND {it}" for it in conditions.values())
        return dict(zip(conditions, numbers, strict=True))

    async def _ended(self, wanted: Filter) -> dict[Status, int]:
        base = wanted.query(True)
        booked, cancelled, stopped, cancelled_later = await self._numbers(
            [
                f"{base} AND {CONDITIONS[Status.BOOKED]}",
                f"{base} AND {CONDITIONS[Status.CANCELLED]}",
                f"{base} AND {STOPPED}",
                wanted.query(True, f"WorkflowType = '{CANCEL_WORKFLOW}'"),
            ]
        )
        return {
            Status.BOOKED: booked - cancelled_later,
            Status.CANCELLED: cancelled,
            Status.NEEDS_ATTENTION: stopped,
        }

    async def _numbers(self, queries: Iterable[str]) -> list[int]:
        found = await asyncio.gather(*map(self._client.count_workflows, queries))
        return [it.count for it in found]

    async def _ended_of_late(self, wanted: Filter) -> dict[Status, int] | None:
        owner = wanted.owner
        if owner not in self._known or time.monotonic() >= self._known[owner].due:
            if owner not in self._counting:
                self._counting[owner] = asyncio.create_task(self._count_again(wanted))
            await asyncio.wait([self._counting[owner]], timeout=PATIENCE)
        return self._known[owner].counts if owner in self._known else None

    async def _count_again(self, wanted: Filter) -> None:
        begun = time.monotonic()
        try:
            counts = await self._ended(wanted)
            ended = time.monotonic()
            self._known[wanted.owner] = Known(counts, ended + RARELY * (ended - begun))
        except RPCError as error:
            logger.warning("The ended bookings cannot be counted: %s", error)
        finally:
            del self._counting[wanted.owner]
