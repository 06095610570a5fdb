"""Which of Temporal's errors mean that it could not answer."""

import pytest
from temporalio.service import RPCError, RPCStatusCode

from bookings.calls import temporal
from bookings.errors import TemporalAway


@pytest.mark.parametrize("status", [RPCStatusCode.INTERNAL, RPCStatusCode.UNIMPLEMENTED])
async def test_another_service_at_temporal_s_address_is_no_bug_of_ours(
    status: RPCStatusCode,
) -> None:
    """On a machine with many servers, a port of one was another's internal one."""
    with pytest.raises(TemporalAway):
        async with temporal():
            raise RPCError("unknown service", status, b"")


async def test_a_request_that_temporal_rejects_is_a_bug() -> None:
    with pytest.raises(RPCError):
        async with temporal():
            raise RPCError("invalid", RPCStatusCode.INVALID_ARGUMENT, b"")
