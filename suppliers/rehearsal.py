"""The rehearsal faults: ids that fail on purpose, so that every path of the saga can be seen.

They are part of the contract and all in this place; `DEMO_FAULTS` switches them on or off.
"""

import asyncio

from shared import LegOrder
from suppliers import Refused


class RehearsedFault(Exception):
    """A step fails because its order asks for it; the message is for people."""


class Rehearsal:
    """Plays the faults that an order asks for, before its supplier is called."""

    def __init__(self, slow_seconds: float = 5) -> None:
        self.slow_seconds = slow_seconds

    async def before_booking(self, order: LegOrder, attempt: int) -> None:
        """Play what the order asks for.

        Raises:
            Refused: The item contains `invalid`.
            RehearsedFault: This attempt comes before the one that is to succeed.
        """
        if "invalid" in order.item.casefold():
            raise Refused(f"Invalid {order.leg} booking, rolling back!")
        if attempt < order.attempts:
            raise RehearsedFault(f"{order.leg.capitalize()} service is down")
        if "slow" in order.item.casefold():
            await asyncio.sleep(self.slow_seconds)

    async def before_undo(self, order: LegOrder) -> None:
        """Play what the order asks for.

        Raises:
            RehearsedFault: The item contains `stuck`.
        """
        if "stuck" in order.item.casefold():
            raise RehearsedFault(
                f"{order.item} cannot be undone until an operator settles it (rehearsal)"
            )
