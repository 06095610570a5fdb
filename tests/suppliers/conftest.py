"""Suppliers to test: on SQLite and on PostgreSQL, used directly and over HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from suppliers.http import HttpSupplier
from suppliers.service import create_service
from suppliers.sql import SqlSupplier
from tests.suppliers.shops import NewDatabase, Serve, Shop, new_postgresql, new_sqlite, serving


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Makes empty databases, and gives their URLs."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield lambda: stack.enter_context(new_sqlite(tmp_path))
        else:
            server: str = request.getfixturevalue("postgres_url")
            yield lambda: stack.enter_context(new_postgresql(server))


@pytest.fixture
def database(new_database: NewDatabase) -> str:
    """The URL of one empty database."""
    return new_database()


@pytest.fixture
def books(database: str) -> Iterator[SqlSupplier]:
    """A supplier whose database a test can look into."""
    with closing(SqlSupplier(database, "flight")) as supplier:
        yield supplier


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves an application on a port of its own, and gives its URL."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serving(app))


@pytest.fixture(params=["direct", "http"])
def shop(request: pytest.FixtureRequest, books: SqlSupplier, serve: Serve) -> Iterator[Shop]:
    """The same promises must hold for a SQL supplier, and for one that is reached over HTTP."""
    if request.param == "direct":
        yield Shop(books, books)
        return
    with closing(HttpSupplier(serve(create_service(books)), "flight")) as client:
        yield Shop(client, books)
