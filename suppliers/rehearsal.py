"""The rehearsal faults: ids that fail on purpose, to demonstrate every path of the saga.

They are part of the contract, and all in this module; `DEMO_FAULTS` switches them on or off.
"""

import asyncio

from shared import INVALID, LegOrder
from suppliers import Refused

SOLD_OUT_FLIGHT = "sold-out-flight-id"
"""A flight of the ready-made trips; `make run` stocks none of it."""


class RehearsedFault(Exception):
    """A failure that the order asks for; the message is for people."""


class Rehearsal:
    """Raises the faults that an order asks for, before its supplier is called."""

    def __init__(self, slow_seconds: float = 5) -> None:
        self.slow_seconds = slow_seconds

    async def before_booking(self, order: LegOrder, attempt: int) -> None:
        """Raise the fault, or take the time, that the order asks for.

        Raises:
            Refused: The item contains `invalid`.
            RehearsedFault: A later attempt is the one to succeed.
        """
        if "invalid" in order.item.casefold():
            raise Refused(INVALID.format(order.leg))
        if attempt < order.attempts:
            raise RehearsedFault(f"{order.leg.capitalize()} service is down")
        if "slow" in order.item.casefold():
            await asyncio.sleep(self.slow_seconds)

    async def before_undo(self, order: LegOrder) -> None:
        """Raise the fault, or take the time, that the order asks for.

        Raises:
            RehearsedFault: The item contains `stuck`.
        """
        if "stuck" in order.item.casefold():
            raise RehearsedFault(
                f"{order.item} cannot be undone until an operator settles it (rehearsal)"
            )
