"""`python -m operations adopt`: bring back a trip that Temporal has lost and the suppliers hold.

It starts the workflow again, with the keys under which the suppliers hold the trip's legs: so it
takes nothing twice. If all three are held the trip ends as booked; else what is held is undone.
"""

import argparse
import asyncio
import re
from collections.abc import Sequence

from bookings.errors import BookingError
from bookings.names import user_id
from bookings.service import Bookings, pace_of
from operations.audit.shops import CannotAuditError, Held, Shop, open_shops
from operations.subcommands import Subcommands
from settings import CONFIGURATION_ERROR, Settings
from shared import BOOKING_ID, BookVacationInput, Leg

KEY = f"({BOOKING_ID}):([0-9a-f]+):({'|'.join(Leg)})"
NOT_HELD = "(not held)"


def add_to(commands: Subcommands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "adopt",
        help="bring back a trip that Temporal has lost",
        description="Start a trip's workflow again for what the suppliers hold: with all three "
        "legs it ends as booked, otherwise what is held is undone. Nothing is taken twice.",
    )
    parser.add_argument("key", help="the key of one of its legs, as the audit prints it")
    parser.add_argument("--owner", default="", help="the client that booked it, as in API_TOKENS")
    parser.set_defaults(run=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Adopt a trip, print the result and return the exit status."""
    try:
        print(asyncio.run(adopt(settings, arguments.key, arguments.owner)))
    except CannotAuditError as error:
        print(error)
        return CONFIGURATION_ERROR
    except (BookingError, ValueError) as error:
        print(error)
        return 1
    return 0


async def adopt(settings: Settings, key: str, owner: str) -> str:
    """Start the workflow of the trip that has this key; what was done, in words.

    Raises:
        ValueError: There is no such key, or nothing is held for its trip.
        CannotAuditError: A supplier cannot be read.
        BookingError: Temporal knows the trip, or cannot be reached.
    """
    parts = re.fullmatch(KEY, key)
    if parts is None:
        raise ValueError("It is not a key. The audit prints it: <booking id>:<checksum>:<leg>.")
    booking_id, fingerprint, _ = parts.groups()
    held = await held_for(open_shops(settings), f"{booking_id}:{fingerprint}")
    if not held:
        raise ValueError(f"The suppliers hold nothing for {booking_id}. There is nothing to adopt.")
    items = {one.leg: one.item for one in held}
    name = next((one.traveller for one in held if one.traveller), "")
    trip = BookVacationInput(
        book_user_id=user_id(name, booking_id),
        book_car_id=items.get(Leg.CAR, NOT_HELD),
        book_hotel_id=items.get(Leg.HOTEL, NOT_HELD),
        book_flight_id=items.get(Leg.FLIGHT, NOT_HELD),
        name=name,
        owner=owner,
        fingerprint=fingerprint,
        pace=pace_of(settings),
        queues=settings.queues(),
        adopted=len(items) == len(Leg),
    )
    bookings = await Bookings.connect(settings)
    if trip.adopted:
        known = await bookings.start(booking_id, trip)
        return (
            f"{booking_id} was {'known already' if known else 'started again, to end as booked'}."
        )
    await bookings.undo(booking_id, trip)
    return f"{booking_id} holds only: {', '.join(items)}. That is being undone."


async def held_for(shops: Sequence[Shop], trip: str) -> list[Held]:
    """What the suppliers hold for a trip, whose keys begin like this."""
    books = await asyncio.gather(*(shop.read([f"{trip}:{shop.leg}"]) for shop in shops))
    return [one for shelf in books for one in shelf.held if one.key == f"{trip}:{shelf.leg}"]
