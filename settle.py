"""Settle a leg whose undo is stuck: `python settle.py <booking id> <leg> --by … --note …`.

For operators: first see to it by other means that the supplier holds nothing, then say so here.
The booking then ends, with the name and the note in its outcome and in the supplier's ledger.
"""

import argparse
import asyncio
import sys

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from saga import Settlement
from settings import CONFIGURATION_ERROR, Settings
from shared import CANCEL_SUFFIX, Leg
from temporal_client import connect, connect_config

PATIENCE = 10
"""Seconds for a worker to answer."""


async def settle(client: Client, booking_id: str, settlement: Settlement) -> str | None:
    """Settle a leg of a booking, or of the cancellation of a booked trip.

    Returns:
        Why that is not possible; None if it is done.
    """
    for workflow_id in (booking_id + CANCEL_SUFFIX, booking_id):
        try:
            async with asyncio.timeout(PATIENCE):
                await client.get_workflow_handle(workflow_id).execute_update("settle", settlement)
            return None
        except WorkflowUpdateFailedError as refusal:
            return str(refusal.cause)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            return f"No worker has answered within {PATIENCE} seconds. Start one, and try again."
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
    return "There is no such booking, or it has ended."


async def main() -> int:
    """Read the command line, and carry it out; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("booking_id")
    parser.add_argument("leg", choices=list(Leg))
    parser.add_argument("--by", required=True, help="who resolved it")
    parser.add_argument("--note", required=True, help="what was done, such as 'phoned the hotel'")
    given = parser.parse_args()
    settlement = Settlement(given.leg, given.by, given.note)
    status = await carry_out(Settings.load(), given.booking_id, settlement)
    await asyncio.sleep(0.25)  # sdk-python issue 300: the Rust core may crash a quick exit
    return status


async def carry_out(settings: Settings, booking_id: str, settlement: Settlement) -> int:
    """Settle a leg, and say what came of it; return the exit status."""
    try:
        client = await connect(settings)
    except RuntimeError as error:
        where = connect_config(settings)["target_host"]
        print(f"Temporal at {where} cannot be reached ({error}). Set TEMPORAL_ADDRESS.")
        return CONFIGURATION_ERROR
    problem = await settle(client, booking_id, settlement)
    print(problem or f"The {settlement.step} of {booking_id} is settled.")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
