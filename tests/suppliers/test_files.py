"""A SQLite supplier whose file is deleted or replaced books nothing, and says why."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from suppliers.sql import SqlSupplier
from tests.suppliers.shops import ITEM


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "car.db"


@pytest.fixture
def supplier(file: Path) -> Iterator[SqlSupplier]:
    """A supplier that holds `before`."""
    with closing(SqlSupplier(f"sqlite:///{file}", "car")) as supplier:
        supplier.reserve("before", ITEM, "Ada")
        yield supplier


def held(file: Path) -> list[str]:
    """What a process that is started now finds in the file."""
    with closing(SqlSupplier(f"sqlite:///{file}", "car")) as supplier:
        return [reservation.key for reservation in supplier.held()]


def assert_refuses_to_work(supplier: SqlSupplier) -> None:
    for work in (
        lambda: supplier.reserve("after", ITEM, "Ada"),
        lambda: supplier.release("before"),
        supplier.held,
    ):
        with pytest.raises(OperationalError, match="deleted or replaced while it was in use"):
            work()


def test_a_file_that_was_deleted_is_not_made_anew(supplier: SqlSupplier, file: Path) -> None:
    file.unlink()
    assert_refuses_to_work(supplier)
    assert not file.exists()


def test_a_file_that_was_replaced_is_not_used(supplier: SqlSupplier, file: Path) -> None:
    copy = file.with_suffix(".copy")
    with closing(sqlite3.connect(file)) as db:
        db.execute("VACUUM INTO ?", [str(copy)])
    supplier.reserve("since the copy", ITEM, "Ada")
    copy.rename(file)
    assert_refuses_to_work(supplier)
    Path(f"{file}-wal").unlink()  # the older file's
    Path(f"{file}-shm").unlink()
    assert held(file) == ["before"]


def test_a_file_that_was_put_back_is_used_again(supplier: SqlSupplier, file: Path) -> None:
    away = file.with_suffix(".away")
    file.rename(away)
    assert_refuses_to_work(supplier)
    away.rename(file)
    supplier.reserve("after", ITEM, "Ada")
    assert held(file) == ["before", "after"]
