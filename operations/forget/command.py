"""`python -m operations forget`: remove a traveller's personal data from trips that have ended."""

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from bookings.client import let_sdk_rest
from operations.audit.command import connected
from operations.audit.shops import CannotAuditError
from operations.forget.files import Files
from operations.forget.trips import NotForgotten, Trips, forget, trips_of
from operations.subcommands import Subcommands
from settings import CONFIGURATION_ERROR, Settings
from shared import BOOKING_ID, Leg
from suppliers import Supplier
from suppliers.configured import supplier_of
from suppliers.sql import SqlSupplier

MOMENT = 2.0
"""Seconds in which Temporal also deletes the histories of workflows that it no longer finds."""


def add_to(commands: Subcommands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "forget",
        help="remove a traveller's personal data from trips that have ended",
        description="Delete ended trips from Temporal, and remove the traveller from the "
        "suppliers' reservations. What is held stays held. If it is interrupted, repeat it. "
        "Exit status: 0 forgotten, 1 something is left, 2 Temporal cannot be reached.",
    )
    parser.add_argument("who", help="a booking id; or a traveller's whole name, user id or e-mail")
    parser.set_defaults(run=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Forget a trip, or all trips of a traveller; return the exit status."""
    files = Files(settings)
    try:
        left = asyncio.run(forget_all(settings, files, arguments.who))
    except CannotAuditError as error:
        print(error, file=sys.stderr)
        return CONFIGURATION_ERROR
    left += files.compact()
    for words in left:
        print(words, file=sys.stderr)
    return 1 if left else 0


async def forget_all(settings: Settings, files: Files, who: str) -> list[str]:
    """Forget the trips, and print each; return what is left, and what to do about it.

    Raises:
        CannotAuditError: Temporal cannot be reached.
    """
    try:
        client, left = await connected(settings), []
        with ExitStack() as stack:
            suppliers = {
                leg: stack.enter_context(closing(supplier_of(settings, leg))) for leg in Leg
            }
            trips = await find(client, suppliers, files, who)
            if not trips:
                return [f"Nothing is stored about {who!r}. Give the id, or the whole name."]
            for booking_id, trip in sorted(trips.items()):
                try:
                    left += await forget(client, suppliers, booking_id, trip)
                except NotForgotten as error:
                    left.append(f"{booking_id}: {error}")
                else:
                    files.delete_mail(booking_id)
                    print(f"{booking_id} is forgotten.")
        await asyncio.sleep(MOMENT)
        return left
    except (RPCError, SQLAlchemyError) as error:
        # Not the error's text: SQL, and what Temporal says, may name the traveller.
        return [f"A database or Temporal failed ({type(error).__name__}). Repeat this command."]
    finally:
        await let_sdk_rest()


async def find(client: Client, suppliers: Mapping[Leg, Supplier], files: Files, who: str) -> Trips:
    """The trips to forget; suppliers may have those that Temporal has forgotten long ago."""
    trips = await trips_of(client, who)
    for leg, supplier in suppliers.items():
        if isinstance(supplier, SqlSupplier) and files.has_books(leg):
            for key in await asyncio.to_thread(supplier.naming, who):
                booking_id = key.partition(":")[0]
                if re.fullmatch(BOOKING_ID, booking_id):
                    trips.setdefault(booking_id, None)
    return trips
