"""Calls of Temporal that answer in time, or say that they cannot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from bookings.errors import TemporalAway

CALL_TIMEOUT = 2.5
"""Seconds for the calls of Temporal that one answer needs; a client is told 503 within three."""

RETRY = RetryConfig(max_retries=3, max_elapsed_time_millis=1500)

AWAY = {
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.UNKNOWN,  # "transport error": the server died in the middle of the call
}


def is_unknown(error: RPCError) -> bool:
    """Whether Temporal says that there is no such workflow, or that it has ended.

    An overloaded server also answers NOT_FOUND, about its namespace, when it only could not look.
    """
    details = error.grpc_status.details
    return error.status is RPCStatusCode.NOT_FOUND and any(
        detail.Is(NotFoundFailure.DESCRIPTOR) for detail in details
    )


def is_away(error: RPCError) -> bool:
    """Whether Temporal could not answer."""
    return error.status in AWAY or (
        error.status is RPCStatusCode.NOT_FOUND and not is_unknown(error)
    )


@asynccontextmanager
async def temporal(booking_id: str | None = None) -> AsyncIterator[None]:
    """Bound the calls of Temporal inside.

    Raises:
        TemporalAway: Temporal is away, or slow. `booking_id` is what may have been started.
    """
    try:
        async with asyncio.timeout(CALL_TIMEOUT):
            yield
    except (RPCError, TimeoutError, RuntimeError) as error:
        # RuntimeError is how a lazy client says that it cannot connect.
        if isinstance(error, RPCError) and not is_away(error):
            raise
        raise TemporalAway(booking_id) from error
