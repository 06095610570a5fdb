"""A supplier's books as an auditor reads them, on SQLite and on PostgreSQL."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Delete, Insert, Update, delete, insert, update

from suppliers import SoldOut
from suppliers.sql import SqlSupplier
from suppliers.sql_books import SqlBooks, read_books
from suppliers.sql_engine import make_engine
from suppliers.sql_schema import Stock, ledger, reservation

HELD, RELEASED, FENCED, SETTLED = "1:f00d:car", "2:f00d:car", "3:f00d:car", "4:f00d:car"


def read(database: str) -> SqlBooks:
    books = read_books(database)
    assert books is not None
    return books


@pytest.fixture
def used(books: SqlSupplier, database: str) -> str:
    """The URL of books in which everything has happened."""
    books.set_stock("a car", 2)
    for key in (HELD, RELEASED):
        books.reserve(key, "a car", "Ann")
    with pytest.raises(SoldOut):
        books.reserve(FENCED, "a car", "Bob")
    for key in (RELEASED, RELEASED, FENCED):
        books.release(key)
    books.reserve(SETTLED, "a car", "Cid")
    books.settle(SETTLED, "Settled by Dan: phoned")
    return database


def test_what_suppliers_do_is_explained_by_their_ledgers(used: str) -> None:
    books = read(used)
    assert [held.key for held in books.held] == [HELD]
    assert books.stock == [Stock("a car", 2, 1, 1)]
    assert books.unexplained == []


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (HELD, delete(ledger).where(ledger.c.key == HELD)),
        (HELD, delete(reservation).where(reservation.c.key == HELD)),
        (HELD, update(reservation).where(reservation.c.key == HELD).values(state="released")),
        (HELD, update(reservation).where(reservation.c.key == HELD).values(item="another")),
        (RELEASED, delete(ledger).where(ledger.c.event == "released", ledger.c.key == RELEASED)),
        (RELEASED, update(reservation).where(reservation.c.key == RELEASED).values(state="booked")),
        (FENCED, update(reservation).where(reservation.c.key == FENCED).values(state="booked")),
        (
            SETTLED,
            insert(ledger).from_select(
                ["at", "key", "item", "event", "note"],
                ledger.select()
                .with_only_columns(
                    ledger.c.at, ledger.c.key, ledger.c.item, ledger.c.event, ledger.c.note
                )
                .where(ledger.c.key == SETTLED, ledger.c.event == "released"),
            ),
        ),
    ],
)
def test_what_nobody_should_have_done_is_not(
    used: str, key: str, change: Delete | Insert | Update
) -> None:
    engine = make_engine(used)
    with engine.begin() as db:
        assert db.execute(change).rowcount
    engine.dispose()
    assert read(used).unexplained == [key]


def test_what_is_held_without_being_in_stock_shows(used: str) -> None:
    engine = make_engine(used)
    with engine.begin() as db:
        db.execute(update(reservation).where(reservation.c.key == HELD).values(item="another"))
    engine.dispose()
    assert read(used).stock == [Stock("a car", 2, 1, 0), Stock("another", None, 0, 1)]


def test_where_there_are_no_books_none_are_made(database: str) -> None:
    assert read_books(database) is None
    assert read_books(database) is None


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert read_books(f"sqlite:///{tmp_path}/none.db") is None
    assert not list(tmp_path.iterdir())


def test_books_are_read_while_they_are_written(books: SqlSupplier, database: str) -> None:
    with closing(SqlSupplier(database, "car")) as other:
        for number in range(20):
            other.reserve(f"{number}:f00d:car", "a car", "Ann")
            assert read(database).stock == [Stock("a car", None, number + 1, number + 1)]
