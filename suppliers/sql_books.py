"""A SQL supplier's books as an auditor reads them: all at one moment, and nothing is written."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Select, and_, case, func, inspect, not_, or_, select, union_all

from suppliers.sql_engine import make_engine
from suppliers.sql_schema import Reservation, Stock, ledger, reservation, stock


@dataclass(frozen=True)
class SqlBooks:
    """What a supplier holds, its stock, and the keys whose state its ledger does not explain."""

    held: list[Reservation]
    stock: list[Stock]
    unexplained: list[str]


def read_books(url: str) -> SqlBooks | None:
    """Read the books at this URL; None if there are none yet, and none are made."""
    engine = make_engine(url)
    if engine.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return None
    try:
        with engine.connect() as db, _one_moment(db):
            if not all(inspect(db).has_table(table.name) for table in (stock, reservation, ledger)):
                return None
            held = [Reservation(*row) for row in db.execute(_HELD)]
            return SqlBooks(held, _stock(db, held), list(db.scalars(_UNEXPLAINED)))
    finally:
        engine.dispose()


@contextmanager
def _one_moment(db: Connection) -> Iterator[None]:
    """All that is read inside is of one moment, and nothing can be written."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA query_only = ON")
        db.exec_driver_sql("BEGIN")
    else:
        db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    yield


def _stock(db: Connection, held: list[Reservation]) -> list[Stock]:
    """Every item, those included that are held without being in stock."""
    booked = Counter(reservation.item for reservation in held)
    known = [
        Stock(item, capacity, taken, booked.pop(item, 0))
        for item, capacity, taken in db.execute(
            select(stock.c.item, stock.c.capacity, stock.c.taken).order_by(stock.c.item)
        )
    ]
    return known + [Stock(item, None, 0, count) for item, count in booked.items()]


_HELD = select(
    reservation.c.key,
    reservation.c.item,
    reservation.c.traveller,
    reservation.c.state,
    reservation.c.changed_at,
).where(reservation.c.state == "booked")


def _find_unexplained() -> Select[tuple[str]]:
    def times(event: str) -> object:
        return func.count(case((ledger.c.event == event, 1))).label(event)

    booked_item = func.max(case((ledger.c.event == "booked", ledger.c.item))).label("item")
    each = [times(event) for event in ("booked", "released", "fenced")]
    told = select(ledger.c.key, booked_item, *each).group_by(ledger.c.key).subquery()  # type: ignore[call-overload]

    def tells(booked: int, released: int, fenced: int) -> object:
        return and_(
            told.c.booked == booked, told.c.released == released, told.c.fenced == fenced
        )

    return told, tells, booked_item
