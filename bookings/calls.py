"""Calls to Temporal with a time limit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from bookings.codec import MissingKey
from bookings.errors import CannotDecrypt, TemporalAway

log = logging.getLogger(__name__)

CALL_TIMEOUT = 2.5
"""Seconds for all of a response's calls to Temporal, so clients get a 503 within three."""

RETRY = RetryConfig(max_retries=3, max_elapsed_time_millis=1500)

AWAY = {
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.UNIMPLEMENTED,  # another gRPC service answers at Temporal's address
    RPCStatusCode.UNKNOWN,  # "transport error": the server died in the middle of the call
}


GONE = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.UNKNOWN}
"""What comes of a call for which there is no server; one that is slow lets the time run out."""


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


def is_slow(away: TemporalAway) -> bool:
    """Whether there is a server, as far as one can see, that could not answer in time."""
    cause = away.__cause__
    return isinstance(cause, TimeoutError) or (
        isinstance(cause, RPCError) and cause.status not in GONE
    )


@contextmanager
def readable() -> Iterator[None]:
    """Read what Temporal has.

    Raises:
        CannotDecrypt: This process lacks its key, which the log names.
    """
    try:
        yield
    except MissingKey as error:
        log.error("%s", error)
        raise CannotDecrypt from error


@asynccontextmanager
async def temporal(booking_id: str | None = None) -> AsyncIterator[None]:
    """Limit the time of the calls to Temporal inside.

    Raises:
        TemporalAway: Temporal is unreachable, or slow. It names the booking that may have started.
        CannotDecrypt: This process lacks the key of what Temporal has.
    """
    try:
        with readable():
            async with asyncio.timeout(CALL_TIMEOUT):
                yield
    except (RPCError, TimeoutError, RuntimeError) as error:
        # A lazy client that cannot connect raises RuntimeError.
        if isinstance(error, RPCError) and not is_away(error):
            raise
        raise TemporalAway(booking_id) from error
