"""What is open and what waits, counted in Temporal for those who watch the service."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.service import RPCError, RPCStatusCode

from bookings.backlog import ACTIVITY, WORKFLOW, waiting_tasks
from bookings.counts import Counts
from bookings.listing import BOTH, Filter
from shared import TASK_QUEUE_NAME

EVERY = 15
"""Seconds between two counts."""

SUSPENDED = (
    f"{BOTH} AND ExecutionStatus = 'Running'"
    " AND TemporalReportedProblems IN ('category=WorkflowTaskFailed')"
)

logger = logging.getLogger("web")


class Counting:
    """Counts what one Temporal server has; what it cannot tell has no series, rather than a zero.

    Args:
        client: A client of the server.
        queues: The task queues that some legs have for themselves.
        searchable: Asks whether the server has our search attributes.
        meter: Where the counts are shown.
    """

    def __init__(
        self,
        client: Client,
        queues: Iterable[str],
        searchable: Callable[[], Awaitable[bool]],
        meter: MetricMeter,
    ) -> None:
        self._client = client
        self._searchable = searchable
        self._counts = Counts(client)
        self._queues = {TASK_QUEUE_NAME: [WORKFLOW, ACTIVITY]}
        self._queues |= {queue: [ACTIVITY] for queue in queues}
        self._open = meter.create_gauge("trip_open_bookings", "Bookings that have not ended")
        self._suspended = meter.create_gauge(
            "trip_suspended_bookings", "Bookings that a bug has suspended"
        )
        self._backlog = meter.create_gauge("trip_queue_backlog", "Tasks that wait for a worker")
        self._age = meter.create_gauge_float(
            "trip_queue_backlog_age_seconds", "How long the oldest task has waited"
        )
        self._counted = meter.create_gauge_float(
            "trip_counted_timestamp_seconds", "When the last count was complete, in Unix time"
        )

    async def run(self) -> None:
        """Count for ever; while Temporal is away, the time of the last count stands still."""
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._count()
            except (RPCError, TimeoutError) as error:
                logger.warning("The metrics of open bookings are out of date: %s", error)
            else:
                self._counted.set(time.time())
            await asyncio.sleep(EVERY)

    async def _count(self) -> None:
        if await self._searchable():
            for status, number in (await self._counts.open(Filter())).items():
                self._open.set(number, {"status": status.value})
        await self._count_suspended()
        for queue, kinds in self._queues.items():
            waiting = [await waiting_tasks(self._client, queue, kind) for kind in kinds]
            self._backlog.set(sum(it.tasks for it in waiting), {"queue": queue})
            self._age.set(max(it.age for it in waiting), {"queue": queue})

    async def _count_suspended(self) -> None:
        try:
            self._suspended.set((await self._client.count_workflows(SUSPENDED)).count)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise  # servers before 1.30 do not know of reported problems
