"""A SQL supplier's tables, and the records that are read from them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

MAX_LENGTH = 200
"""The maximum length of a key, an item or a traveller's name, in characters."""

MAX_CAPACITY = 1_000_000_000
"""The maximum capacity; make an item with more than that unlimited."""

State = Literal["booked", "released"]


@dataclass(frozen=True)
class Stock:
    """An item's capacity and taken units; a capacity of None is unlimited."""

    item: str
    capacity: int | None
    taken: int
    booked: int

    @property
    def consistent(self) -> bool:
        """Whether the taken units match the reservations."""
        return self.taken == self.booked


@dataclass(frozen=True)
class Reservation:
    """A reservation, booked or released.

    The item is empty if it was never booked; the traveller then too, and once it was released or
    the traveller was forgotten.
    """

    key: str
    item: str
    traveller: str
    state: State
    since: datetime


def unfit(text: str) -> str:
    """Why a text cannot be stored, as a predicate for a sentence; empty if it can."""
    if not 0 < len(text) <= MAX_LENGTH:
        return f"must have 1 to {MAX_LENGTH} characters"
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        # PostgreSQL cannot store NUL, and half of a UTF-16 pair is not a character.
        return "has a character that is not allowed"
    return ""


class UtcTime(TypeDecorator[datetime]):
    """A time, always read back as UTC: SQLite drops the time zone, PostgreSQL uses its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert the time to UTC."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


metadata = MetaData()

stock = Table(
    "stock",
    metadata,
    Column("item", Text, primary_key=True),
    Column("capacity", Integer),  # NULL: unlimited
    Column("taken", Integer, nullable=False),
    CheckConstraint("0 <= taken AND taken <= capacity", name="stock_taken_fits"),
)

reservation = Table(
    "reservation",
    metadata,
    Column("key", Text, primary_key=True),
    Column("item", Text, nullable=False),  # empty: released before it was ever booked
    Column("traveller", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    CheckConstraint("state IN ('booked', 'released')", name="reservation_state"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("key", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("note", Text, nullable=False),  # who settled it and why; empty for other events
    CheckConstraint("event IN ('booked', 'released', 'fenced', 'settled')", name="ledger_event"),
)
