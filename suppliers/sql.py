"""A supplier with a database: SQLite or PostgreSQL, with the same statements."""

from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from suppliers import Fenced, Invalid, SoldOut
from suppliers.sql_engine import create_schema, make_engine, writing
from suppliers.sql_schema import (
    MAX_CAPACITY,
    Reservation,
    State,
    Stock,
    ledger,
    reservation,
    stock,
    unfit,
)

# The statements of every booking and undo are built once: building one costs more than running it.
_RESERVATION = select(
    reservation.c.key,
    reservation.c.item,
    reservation.c.traveller,
    reservation.c.state,
    reservation.c.changed_at,
)
_MARK_RELEASED = (
    update(reservation)
    .where(reservation.c.key == bindparam("this"), reservation.c.state == "booked")
    .values(state="released", traveller="", changed_at=bindparam("now"))
    .returning(reservation.c.item)
)
_ITEM = select(reservation.c.item).where(reservation.c.key == bindparam("this"))
_FORGET = update(reservation).where(reservation.c.key == bindparam("this")).values(traveller="")
_GIVE_BACK = update(stock).where(stock.c.item == bindparam("this")).values(taken=stock.c.taken - 1)
_WRITE_LEDGER = insert(ledger)


class SqlSupplier:
    """A `Supplier` with its own database, whose tables are created on first use."""

    def __init__(self, url: str, leg: str, connections: int = 24) -> None:
        self._engine = make_engine(url, connections)
        self._leg = leg
        self._has_schema = False
        # The statement is the same, but SQLAlchemy has a class for each database.
        self._upsert = sqlite.insert if self._engine.name == "sqlite" else postgresql.insert
        self._record_new = (
            self._upsert(reservation).on_conflict_do_nothing().returning(reservation.c.key)
        )
        self._take_one = (
            self._upsert(stock)
            .on_conflict_do_update(
                index_elements=["item"],
                set_={"taken": stock.c.taken + 1},
                where=or_(stock.c.capacity.is_(None), stock.c.taken < stock.c.capacity),
            )
            .returning(stock.c.item)
        )

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """See `Supplier.reserve`; reservation, stock and ledger change in one transaction."""
        _check(key=key, item=item, traveller=traveller)
        with writing(self._ready_engine()) as db:
            if self._record(db, key, "booked", item, traveller):
                self._take(db, item)
                _write_ledger(db, key, item, "booked")
            else:
                self._check_same(db, key, item)

    def release(self, key: str) -> bool:
        """See `Supplier.release`; the fence is a reservation of nothing, inserted as released."""
        if unfit(key):
            return False  # nothing can ever be reserved under it
        with writing(self._ready_engine()) as db:
            return self._release(db, key)

    def settle(self, key: str, note: str) -> None:
        """See `Supplier.settle`; retries do not write the note again."""
        with writing(self._ready_engine()) as db:
            self._release(db, key)
            known = ledger.c.key == key, ledger.c.event == "settled"
            if db.scalar(select(ledger.c.id).where(*known)) is None:
                _write_ledger(db, key, "", "settled", note)

    def forget(self, key: str) -> None:
        """See `Supplier.forget`; the ledger, which names nobody, keeps its entries."""
        with writing(self._ready_engine()) as db:
            db.execute(_FORGET, {"this": key})

    def close(self) -> None:
        """See `Supplier.close`."""
        self._engine.dispose()

    def set_stock(self, item: str, capacity: int | None) -> None:
        """Set the capacity of an item; None is unlimited.

        Raises:
            Invalid: More units are taken, or the item or the capacity cannot be stored.
        """
        _check(item=item)
        if capacity is not None and not 0 <= capacity <= MAX_CAPACITY:
            raise Invalid(f"The capacity must be from 0 to {MAX_CAPACITY}, or unlimited.")
        statement = (
            self._upsert(stock)
            .values(item=item, capacity=capacity, taken=0)
            .on_conflict_do_update(
                index_elements=["item"],
                set_={"capacity": capacity},
                where=None if capacity is None else stock.c.taken <= capacity,
            )
            .returning(stock.c.item)
        )
        with writing(self._ready_engine()) as db:
            if db.scalar(statement) is None:
                taken = db.scalar(select(stock.c.taken).where(stock.c.item == item))
                raise Invalid(
                    f'{self._leg.capitalize()} "{item}" cannot have a capacity of {capacity}: '
                    f"{taken} are taken. Release some first, or set at least {taken}."
                )

    def stock(self) -> list[Stock]:
        """Every item that was ever set or booked, in one snapshot."""
        booked = (
            select(func.count())
            .where(reservation.c.item == stock.c.item, reservation.c.state == "booked")
            .scalar_subquery()
        )
        statement = select(stock.c.item, stock.c.capacity, stock.c.taken, booked)
        with self._ready_engine().connect() as db:
            return [Stock(*row) for row in db.execute(statement.order_by(stock.c.item))]

    def held(self) -> list[Reservation]:
        """The current reservations, oldest first."""
        return self._reservations(reservation.c.state == "booked")

    def find(self, key: str) -> Reservation | None:
        """The reservation under a key, booked or released; None if there is none."""
        found = self._reservations(reservation.c.key == key) if not unfit(key) else []
        return found[0] if found else None

    def naming(self, who: str) -> list[str]:
        """The keys that have a traveller's name: this one, or whichever this booking has."""
        named = or_(
            reservation.c.traveller == who,
            reservation.c.key.startswith(f"{who}:", autoescape=True),
        )
        found = self._reservations(and_(reservation.c.traveller != "", named))
        return [one.key for one in found]

    def _release(self, db: Connection, key: str) -> bool:
        # Inserting first decides the race with a concurrent reserve.
        if self._record(db, key, "released"):
            _write_ledger(db, key, "", "fenced")
            return False
        if item := _mark_released(db, key):
            db.execute(_GIVE_BACK, {"this": item})
            _write_ledger(db, key, item, "released")
            return True
        return bool(db.scalar(_ITEM, {"this": key}))

    def _reservations(self, which: ColumnElement[bool]) -> list[Reservation]:
        statement = _RESERVATION.where(which).order_by(reservation.c.changed_at)
        with self._ready_engine().connect() as db:
            return [Reservation(*row) for row in db.execute(statement)]

    def _ready_engine(self) -> Engine:
        if not self._has_schema:  # two threads may both create it, which is harmless
            create_schema(self._engine)
            self._has_schema = True
        return self._engine

    def _record(
        self, db: Connection, key: str, state: State, item: str = "", traveller: str = ""
    ) -> bool:
        """Insert a reservation; false, and no change, if the key exists."""
        now = datetime.now(UTC)
        row = {"key": key, "item": item, "traveller": traveller, "state": state}
        new = db.scalar(self._record_new, row | {"created_at": now, "changed_at": now})
        return new is not None  # psycopg leaves `rowcount` at -1 for an insert

    def _take(self, db: Connection, item: str) -> None:
        if db.scalar(self._take_one, {"item": item, "taken": 1}) is None:
            raise SoldOut(f'{self._leg.capitalize()} "{item}" is sold out.')

    def _check_same(self, db: Connection, key: str, item: str) -> None:
        known = Reservation(*db.execute(_RESERVATION.where(reservation.c.key == key)).one())
        if known.state == "released":
            raise Fenced(f"This {self._leg} booking was cancelled before.")
        if known.item != item:
            raise Invalid(f'This {self._leg} booking is for "{known.item}", not for "{item}".')


def _mark_released(db: Connection, key: str) -> str | None:
    """The item whose unit is now free; None if the key was not booked."""
    item: str | None = db.scalar(_MARK_RELEASED, {"this": key, "now": datetime.now(UTC)})
    return item


def _write_ledger(db: Connection, key: str, item: str, event: str, note: str = "") -> None:
    entry = {"key": key, "item": item, "event": event, "note": note}
    db.execute(_WRITE_LEDGER, {"at": datetime.now(UTC), **entry})


def _check(**texts: str) -> None:
    for name, text in texts.items():
        if problem := unfit(text):
            raise Invalid(f"The {name} {problem}.")
