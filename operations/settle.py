"""`python -m operations settle`: settle a leg whose undo is stuck.

First make sure, by other means, that the supplier holds nothing for the leg. The booking then ends,
with the operator's name and note in the supplier's ledger; the traveller reads neither.
"""

import argparse
import asyncio
import os
import pwd

from bookings.client import connect, connect_config
from bookings.errors import BookingError
from bookings.service import Bookings
from bookings.settling import settle
from operations.subcommands import Subcommands
from runtime.staff_log import Act, NotWritten, staff_log_at
from runtime.texts import cleaned
from saga import Settlement
from settings import CONFIGURATION_ERROR, Settings
from shared import Leg


def add_to(commands: Subcommands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "settle",
        help="settle a leg whose undo is stuck",
        description="First make sure, by other means, that the supplier holds nothing for the leg. "
        "The booking then ends, with your name and note in the supplier's ledger. "
        "The traveller reads neither.",
    )
    parser.add_argument("booking_id")
    parser.add_argument("leg", choices=list(Leg))
    parser.add_argument("--by", required=True, type=words, help="who resolved it")
    parser.add_argument(
        "--note", required=True, type=words, help="what was done, such as 'phoned the hotel'"
    )
    parser.set_defaults(run=run)


def words(text: str) -> str:
    """What an operator wrote, on one short line.

    Raises:
        ArgumentTypeError: Nothing of it can be seen.
    """
    if not (short := cleaned(text)):
        raise argparse.ArgumentTypeError("must be visible text")
    return short


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Settle a leg; return the exit status."""
    settlement = Settlement(arguments.leg, arguments.by, arguments.note)
    return asyncio.run(carry_out(settings, arguments.booking_id, settlement))


async def carry_out(settings: Settings, booking_id: str, settlement: Settlement) -> int:
    """Settle a leg, print the result and return the exit status."""
    try:
        client = await connect(settings)
    except RuntimeError as error:
        where = connect_config(settings)["target_host"]
        print(f"Temporal at {where} cannot be reached ({error}). Set TEMPORAL_ADDRESS.")
        return CONFIGURATION_ERROR
    act = Act(
        who=settlement.by,
        user=account(),
        act=f"settle {settlement.step}",
        booking_id=booking_id,
        note=settlement.note,
    )
    try:
        await Bookings(client).find(booking_id, None)
        async with staff_log_at(settings.staff_log, settings.data_dir).recorded(act):
            await settle(client, booking_id, settlement)
    except BookingError as error:
        print(error)
        return 1
    except NotWritten as error:
        print(f"{error}. So nothing was done. Set STAFF_LOG.")
        return CONFIGURATION_ERROR
    print(f"The {settlement.step} of {booking_id} is settled.")
    return 0


def account() -> str:
    """The account at the operating system of who runs the command: `--by` can be anybody."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container's user may have no name
        return str(number)
