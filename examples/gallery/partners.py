"""The partners of the gallery: a car, a hotel and a flight, in memory."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

LEGS = ["car", "hotel", "flight"]


@dataclass(frozen=True)
class Trip:
    """The input of every workflow; `seconds` is how long a step may take."""

    id: str
    seconds: float


@dataclass(frozen=True)
class Order:
    """The input of a step and of its undo."""

    trip: str
    leg: str
    key: str


class Partners:
    """They book a key once, undo what was never booked, and with a fence refuse what was undone."""

    def __init__(self, *, fence: bool) -> None:
        self.fence = fence
        self.booked: dict[str, Order] = {}
        self.undone: set[str] = set()

    @activity.defn
    async def book(self, order: Order) -> None:
        """Book a leg; the same key again books nothing more."""
        if self.fence and order.key in self.undone:
            raise ApplicationError(
                "It was undone before.",
                type="Refused",
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
            )
        self.booked[order.key] = order

    @activity.defn
    async def book_with_new_key(self, order: Order) -> str:
        """Book a leg with a key that is made here; it returns the key."""
        key = f"{order.key}:{activity.info().attempt}"
        self.booked[key] = order
        return key

    @activity.defn
    async def undo(self, order: Order) -> None:
        """Undo what has this key, if there is such a booking."""
        self.undone.add(order.key)
        self.booked.pop(order.key, None)

    def held(self, trip: str) -> list[str]:
        """The legs that are booked for a trip; one that is booked twice is there twice."""
        return [order.leg for order in self.booked.values() if order.trip == trip]
