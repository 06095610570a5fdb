"""A SQL supplier's books, as an auditor reads them: one snapshot, read-only."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, and_, case, func, inspect, not_, or_, select, union_all

from suppliers.sql_engine import make_engine
from suppliers.sql_schema import Reservation, Stock, ledger, reservation, stock

_HELD = (
    select(
        reservation.c.key,
        reservation.c.item,
        reservation.c.traveller,
        reservation.c.state,
        reservation.c.changed_at,
    )
    .where(reservation.c.state == "booked")
    .order_by(reservation.c.changed_at)
)

_EVENTS = (
    select(
        ledger.c.key,
        func.max(case((ledger.c.event == "booked", ledger.c.item))).label("item"),
        *(
            func.count(case((ledger.c.event == event, 1))).label(event)
            for event in ("booked", "released", "fenced")
        ),
    )
    .group_by(ledger.c.key)
    .subquery()
)
"""The ledger's events per key: the booked item, and the number of each kind of event.

`settled` is not counted: it only accompanies a release or a fence.
"""

_WAS_BOOKED = and_(
    _EVENTS.c.booked == 1, _EVENTS.c.fenced == 0, _EVENTS.c.item == reservation.c.item
)
_EXPLAINED = or_(
    and_(reservation.c.state == "booked", _WAS_BOOKED, _EVENTS.c.released == 0),
    and_(reservation.c.state == "released", _WAS_BOOKED, _EVENTS.c.released == 1),
    and_(
        reservation.c.state == "released",
        _EVENTS.c.booked + _EVENTS.c.released == 0,
        _EVENTS.c.fenced == 1,
    ),
)
_SAME_KEY = _EVENTS.c.key == reservation.c.key
_UNEXPLAINED = union_all(
    select(reservation.c.key)
    .outerjoin(_EVENTS, _SAME_KEY)
    .where(or_(_EVENTS.c.key.is_(None), not_(_EXPLAINED))),
    select(_EVENTS.c.key).outerjoin(reservation, _SAME_KEY).where(reservation.c.key.is_(None)),
)


_LATEST = (
    select(ledger.c.at, ledger.c.key, ledger.c.item, ledger.c.event, ledger.c.note)
    .order_by(ledger.c.id.desc())
    .limit(20)
)


@dataclass(frozen=True)
class LedgerEntry:
    """An entry of the ledger."""

    at: datetime
    key: str
    item: str
    event: str
    note: str


@dataclass(frozen=True)
class SqlBooks:
    """A supplier's reservations and stock, and the keys whose state its ledger does not explain.

    `latest` is the end of the ledger, the newest entry first.
    """

    held: list[Reservation]
    stock: list[Stock]
    unexplained: list[str]
    latest: list[LedgerEntry]


def read_books(url: str) -> SqlBooks | None:
    """Read the books at a URL; None if there are none yet, and this creates none."""
    engine = make_engine(url)
    if engine.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return None
    try:
        with engine.connect() as db, _one_moment(db):
            if not all(inspect(db).has_table(table.name) for table in (stock, reservation, ledger)):
                return None
            held = [Reservation(*row) for row in db.execute(_HELD)]
            unexplained = list(db.scalars(_UNEXPLAINED))
            latest = [LedgerEntry(*row) for row in db.execute(_LATEST)]
            return SqlBooks(held, _stock(db, held), unexplained, latest)
    finally:
        engine.dispose()


@contextmanager
def _one_moment(db: Connection) -> Iterator[None]:
    """Read one snapshot inside; a statement that writes would fail."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA query_only = ON")
        db.exec_driver_sql("BEGIN")
    else:
        db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    yield


def _stock(db: Connection, held: list[Reservation]) -> list[Stock]:
    """The stock of every item, including items that are held but not in stock."""
    booked = Counter(reserved.item for reserved in held)
    rows = db.execute(select(stock.c.item, stock.c.capacity, stock.c.taken).order_by(stock.c.item))
    known = [Stock(*row, booked.pop(row.item, 0)) for row in rows]
    return known + [Stock(item, None, 0, count) for item, count in booked.items()]
