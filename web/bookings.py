"""Bookings as Temporal keeps them: start one, wait for its outcome, read how it stands."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.service import RetryConfig, RPCError, RPCStatusCode
from werkzeug.exceptions import NotFound

from settings import Settings
from shared import (
    BOOK_WORKFLOW,
    TASK_QUEUE_NAME,
    TRIP_MEMO,
    BookingOutcome,
    BookVacationInput,
    Leg,
    TripMemo,
)
from temporal_client import connect
from web.problems import Unavailable
from web.reading import Booking, read_booking

CALL_TIMEOUT = 2.5
"""Seconds for the calls of Temporal that one answer needs; a client is told 503 within three."""

RETRY = RetryConfig(max_retries=3, max_elapsed_time_millis=1500)

AWAY = {
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
}

Handle = WorkflowHandle[Any, BookingOutcome]


def new_booking_id() -> str:
    """A booking id that nobody can guess."""
    return f"trip-{secrets.token_hex(16)}"


@asynccontextmanager
async def temporal(booking_id: str | None = None) -> AsyncIterator[None]:
    """Bound the calls of Temporal inside.

    Raises:
        Unavailable: Temporal is away, or slow. `booking_id` is what may have been started.
    """
    try:
        async with asyncio.timeout(CALL_TIMEOUT):
            yield
    except (RPCError, TimeoutError, RuntimeError) as error:
        # RuntimeError is how a lazy client says that it cannot connect.
        if isinstance(error, RPCError) and error.status not in AWAY:
            raise
        raise Unavailable(
            "The booking service cannot reach Temporal. Try again soon.", booking_id
        ) from error


class Bookings:
    """The bookings on one Temporal server, through one client; used on one event loop only."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @classmethod
    async def connect(cls, settings: Settings) -> "Bookings":
        """Prepare the client; it connects on first use, and again after Temporal was away."""
        return cls(await connect(settings, lazy=True, retry=RETRY))

    async def start(self, booking_id: str, trip: BookVacationInput) -> None:
        """Start a booking.

        Raises:
            Unavailable: Temporal is away; whether the booking was started is not known.
        """
        memo = TripMemo(
            user_id=trip.book_user_id,
            items={leg: trip.item(leg) for leg in Leg},
            fingerprint=trip.fingerprint,
        )
        async with temporal(booking_id):
            await self.client.start_workflow(
                BOOK_WORKFLOW,
                trip,
                id=booking_id,
                task_queue=TASK_QUEUE_NAME,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                memo={TRIP_MEMO: memo},
                static_summary=f"Trip of {trip.book_user_id}",
            )

    async def outcome(self, booking_id: str, seconds: float) -> BookingOutcome | None:
        """Wait for a booking to end; None if it has not within `seconds`.

        While Temporal is away the wait goes on: the booking is kept there, and may yet end.
        """
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        return await self._handle(booking_id).result()
                    except RPCError:
                        await asyncio.sleep(0.2)
        except TimeoutError:
            return None
        except WorkflowFailureError:  # cancelled: the outcome is in the memo
            return (await self.read(booking_id)).outcome()

    async def read(self, booking_id: str) -> Booking:
        """How a booking stands.

        Raises:
            NotFound: There is no such booking.
            Unavailable: Temporal is away.
        """
        if not re.fullmatch("trip-[0-9a-f]{32}", booking_id):
            raise NotFound("There is no such booking.")
        async with temporal():
            try:
                return await read_booking(self._handle(booking_id))
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise NotFound("There is no such booking.") from error
                raise

    async def ping(self) -> None:
        """Return if Temporal answers.

        Raises:
            Unavailable: It does not.
        """
        async with temporal():
            await self.client.service_client.check_health()

    def _handle(self, booking_id: str) -> Handle:
        return self.client.get_workflow_handle(booking_id, result_type=BookingOutcome)
