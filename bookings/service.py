"""Bookings as Temporal keeps them: start one, join it, cancel it, wait for its outcome."""

import asyncio
import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import MetricMeter, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from bookings.backlog import Backlog
from bookings.calls import RETRY, is_unknown, readable, temporal
from bookings.client import connect
from bookings.codec import search_key
from bookings.counting import Counting
from bookings.counts import Counts
from bookings.errors import KeyUsed, NoLongerKept, NoSuchBooking, Overloaded, Stopped
from bookings.history import Condition
from bookings.listing import BookingPage, Filter, list_bookings
from bookings.reading import Booking, Found, Handle, find_booking
from bookings.retention import is_past
from bookings.search_attributes import has_search_attributes, search_attributes
from bookings.turns import Turns
from settings import Settings
from shared import (
    BOOK_WORKFLOW,
    BOOKING_ID,
    CANCEL_SUFFIX,
    CANCEL_WORKFLOW,
    TASK_QUEUE_NAME,
    TRIP_MEMO,
    BookingOutcome,
    BookVacationInput,
    Pace,
    Status,
)

log = logging.getLogger(__name__)


TASK_TIMEOUT = timedelta(seconds=3)
"""How long a worker may be silent about a task with first tries, before another takes it over."""


def pace_of(settings: Settings) -> Pace:
    """The times of a booking, as configured; without first tries that no leg's deadline allows."""
    fits = settings.first_try < settings.leg_deadline
    return Pace(
        leg_deadline=settings.leg_deadline,
        undo_patience=settings.undo_patience,
        first_try=settings.first_try if fits else 0,
    )


class Bookings:
    """The bookings on one Temporal server, through one client; used on one event loop only."""

    def __init__(
        self,
        client: Client,
        backlog_limit: float = 10,
        queues: Iterable[str] = (),
        key: bytes = b"",
    ) -> None:
        self.client = client
        self._queues = list(queues)
        self._key = key
        self._counts = Counts(client, key)
        self._backlog = Backlog(client, self._queues)
        self._backlog_limit = backlog_limit
        self._turns = Turns()
        self._searchable: bool | None = None

    @classmethod
    async def connect(cls, settings: Settings, runtime: Runtime | None = None) -> "Bookings":
        """Create the client; it connects on first use, and reconnects after an outage."""
        client = await connect(settings, lazy=True, retry=RETRY, runtime=runtime)
        return cls(client, settings.backlog_limit, settings.queues().values(), search_key(settings))

    async def count_for(self, meter: MetricMeter) -> None:
        """Count for ever what is open and what waits."""
        await Counting(self.client, self._queues, self.searchable, meter).run()

    async def start(self, booking_id: str, trip: BookVacationInput) -> bool:
        """Start a booking, or join the one that the same request has started before.

        Returns:
            Whether it existed before.

        Raises:
            KeyUsed: Another request has started a booking with that id.
            Overloaded: The workers are too far behind; nothing was started.
            TemporalAway: Temporal is unreachable; the booking may have been started.
        """
        tried = False

        async def once() -> bool:
            nonlocal tried
            again, tried = tried, True
            existed = await self._start_or_join(booking_id, trip)
            return existed and not again  # what a second try finds, the first may have started

        async with self._turns.next():
            existed = await self._turns.patiently(once)
            log.info("asked for again" if existed else "accepted", extra={"booking_id": booking_id})
            return existed

    async def _start_or_join(self, booking_id: str, trip: BookVacationInput) -> bool:
        async with temporal(booking_id):
            if await self._backlog.age() > self._backlog_limit:
                raise Overloaded
            try:
                await self._start(BOOK_WORKFLOW, booking_id, trip, Status.RUNNING)
                return False
            except WorkflowAlreadyStartedError:
                found = await find_booking(self.client, booking_id)
        if found is None or found.trip.fingerprint != trip.fingerprint:
            raise KeyUsed
        return True

    async def outcome(self, booking_id: str, seconds: float) -> BookingOutcome | None:
        """Wait for a workflow to end; None if it has not within `seconds`.

        An outage of Temporal does not end the wait: the booking survives it, and may still end.

        Raises:
            CannotDecrypt: This process lacks the key of the outcome.
        """
        if seconds <= 0:
            # A question that is withdrawn at once interrupts the embedded server's database, in
            # which then, now and then, every call is interrupted until it is restarted.
            return None
        handle: Handle = self.client.get_workflow_handle(booking_id, result_type=BookingOutcome)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        with readable():
                            return await handle.result()
                    except RPCError:
                        await asyncio.sleep(0.2)
        except TimeoutError:
            return None
        except WorkflowFailureError:  # cancelled: the outcome is in the memo
            async with temporal(booking_id):
                found = await find_booking(self.client, booking_id.removesuffix(CANCEL_SUFFIX))
            return found.booking.outcome() if found else None

    async def find(self, booking_id: str, client: str | None) -> Found:
        """One of this client's bookings, with what was asked for; any, if the client is None.

        Raises:
            NoSuchBooking: The client has no such booking.
            NoLongerKept: Temporal has forgotten the bookings of that time.
            TemporalAway: Temporal is unreachable.
        """
        found = None
        if re.fullmatch(BOOKING_ID, booking_id):
            async with temporal(booking_id):
                found = await find_booking(self.client, booking_id)
                if found is None and await is_past(self.client, booking_id):
                    raise NoLongerKept
        if found is None or client not in (None, found.trip.owner):
            raise NoSuchBooking
        return found

    async def read(self, booking_id: str, client: str | None) -> Booking:
        """The current state of one of this client's bookings; of any, if the client is None.

        Raises:
            NoSuchBooking: The client has no such booking.
            TemporalAway: Temporal is unreachable.
        """
        return (await self._turns.patiently(lambda: self.find(booking_id, client))).booking

    async def cancel(self, booking_id: str, client: str | None, seconds: float) -> Booking:
        """Cancel a running booking or a booked trip, and wait until it is undone.

        A cancelled booking stays as it is.

        Raises:
            NoSuchBooking: The client has no such booking.
            Stopped: It was stopped from outside, so no workflow is left to undo it.
            TemporalAway: Temporal is unreachable; the request is safe to retry.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        found = await self.find(booking_id, client)
        if found.booking.condition is Condition.STOPPED:
            raise Stopped
        if found.booking.status is not Status.CANCELLED:
            log.info("cancellation asked for", extra={"booking_id": booking_id})
        if not (found.booking.status.is_final or found.cancelling):
            await self._ask_to_cancel(booking_id)
            await self.outcome(booking_id, deadline - asyncio.get_running_loop().time())
            found = await self.find(booking_id, client)
            if found.booking.status is Status.RUNNING and not found.booking.condition:
                # The request is in no history yet: a first try runs.
                return found.booking.model_copy(update={"condition": Condition.CANCELLING})
        if found.booking.status is Status.BOOKED or found.cancelling:
            await self.undo(booking_id, found.trip)
            left = deadline - asyncio.get_running_loop().time()
            await self.outcome(booking_id + CANCEL_SUFFIX, left)
            found = await self.find(booking_id, client)
        return found.booking

    async def undo(self, booking_id: str, trip: BookVacationInput) -> None:
        """Start to undo all that is held for a trip whose booking has ended, or is lost.

        Raises:
            TemporalAway: Temporal is unreachable; the request is safe to retry.
        """
        async with temporal(booking_id):
            with suppress(WorkflowAlreadyStartedError):
                cancel_id = booking_id + CANCEL_SUFFIX
                await self._start(CANCEL_WORKFLOW, cancel_id, trip, Status.UNDOING)

    async def page(self, wanted: Filter, cursor: str | None) -> BookingPage:
        """One page of a list of bookings, with counts; see `list_bookings`."""
        async with temporal():
            searchable = await self.searchable()
            page = await list_bookings(self.client, wanted, cursor, searchable, self._key)
            counts = await self._counts.of(wanted) if searchable else None
        return page.model_copy(update={"counts": counts})

    async def open_of(self, owner: str) -> int:
        """How many bookings of a client have not ended; 0 where the server cannot tell.

        Raises:
            TemporalAway: Temporal is away.
        """
        async with temporal():
            if not await self.searchable():
                return 0
            open_ones = f"Owner = '{owner}' AND ExecutionStatus = 'Running'"
            return (await self.client.count_workflows(open_ones)).count

    async def ping(self) -> None:
        """Check that Temporal is reachable.

        Raises:
            TemporalAway: It is not.
        """
        async with temporal():
            await self.client.service_client.check_health()

    async def _start(
        self, workflow: str, workflow_id: str, trip: BookVacationInput, status: Status
    ) -> None:
        attributes = search_attributes(trip, status, self._key) if await self.searchable() else None
        await self.client.start_workflow(
            workflow,
            trip,
            id=workflow_id,
            task_queue=TASK_QUEUE_NAME,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo={TRIP_MEMO: trip},
            search_attributes=attributes,
            task_timeout=TASK_TIMEOUT if trip.pace.first_try else None,
            static_summary=f"Trip of {trip.book_user_id}",
        )

    async def searchable(self) -> bool:
        """Whether the server has our search attributes, which filters need."""
        if self._searchable is None:
            self._searchable = await has_search_attributes(self.client)
        return self._searchable

    async def _ask_to_cancel(self, booking_id: str) -> None:
        async with temporal(booking_id):
            try:
                await self.client.get_workflow_handle(booking_id).cancel()
            except RPCError as error:
                if not is_unknown(error):  # it has just ended
                    raise
