"""Settling a leg whose undo is stuck, and which a person has resolved by other means."""

import asyncio

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from bookings.calls import is_unknown
from saga import Settlement
from shared import CANCEL_SUFFIX

PATIENCE = 10
"""Seconds that a worker has to respond."""


async def settle(client: Client, booking_id: str, settlement: Settlement) -> str | None:
    """Settle a leg of a booking, or of the cancellation of a booked trip.

    Returns:
        The reason if it could not be settled; None if it was.
    """
    for workflow_id in (booking_id + CANCEL_SUFFIX, booking_id):
        try:
            async with asyncio.timeout(PATIENCE):
                await client.get_workflow_handle(workflow_id).execute_update("settle", settlement)
            return None
        except WorkflowUpdateFailedError as refusal:
            return str(refusal.cause)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            return f"No worker responded within {PATIENCE} seconds. Start one, and try again."
        except RPCError as error:
            if not is_unknown(error):
                return f"Temporal did not answer ({error.message}). Try again."
    return "There is no such booking, or it has ended."
