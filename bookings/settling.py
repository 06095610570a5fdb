"""What staff do about a leg whose undo is stuck: settle it, or have it tried again at once."""

import asyncio
from collections.abc import Iterator

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from bookings.calls import is_unknown, temporal
from bookings.errors import CannotRetry, NotStuck, NoWorker, TemporalAway
from saga import Settlement, Verb
from shared import CANCEL_SUFFIX, Leg

PATIENCE = 10
"""Seconds that a worker has to respond."""

ENDED = "There is no such booking, or it has ended."


async def settle(client: Client, booking_id: str, settlement: Settlement) -> None:
    """Settle a leg that a person has resolved by other means.

    Raises:
        NotStuck: There is nothing to settle.
        NoWorker: No worker responded.
        TemporalAway: Temporal is unreachable; the request is safe to retry.
    """
    for workflow_id in workflows_of(booking_id):
        try:
            async with asyncio.timeout(PATIENCE):
                await client.get_workflow_handle(workflow_id).execute_update("settle", settlement)
            return
        except WorkflowUpdateFailedError as refusal:
            raise NotStuck(str(refusal.cause)) from refusal
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise NoWorker from error
        except RPCError as error:
            if not is_unknown(error):
                raise TemporalAway(booking_id) from error
    raise NotStuck(ENDED)


async def try_again(client: Client, booking_id: str, leg: Leg) -> None:
    """Have the undo of a leg tried at once, and then as often as at its beginning.

    Raises:
        NotStuck: There is no undo to try.
        CannotRetry: The server does not offer it.
        TemporalAway: Temporal is unreachable; the request is safe to retry.
    """
    for workflow_id in workflows_of(booking_id):
        request = ResetActivityRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id),
            id=f"{Verb.UNDO}:{leg}",
        )
        async with temporal(booking_id):
            try:
                await client.workflow_service.reset_activity(request)
                return
            except RPCError as error:
                if error.status is RPCStatusCode.UNIMPLEMENTED:
                    raise CannotRetry from error
                if not is_unknown(error):
                    raise
    raise NotStuck(f"No undo of the {leg} is waiting for its next attempt.")


def workflows_of(booking_id: str) -> Iterator[str]:
    """The workflows that may undo a booking: its cancellation, if it was booked, and its own."""
    yield from (booking_id + CANCEL_SUFFIX, booking_id)
