"""Suppliers for tests, and what stands behind them: databases, and servers of HTTP."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask import Flask
from werkzeug.serving import make_server

from suppliers import Supplier
from suppliers.sql import SqlSupplier

KEY = "trip-1:f00d:flight"
OTHER_KEY = "trip-2:f00d:flight"
ITEM = "Alaska Airlines 123"

NewDatabase = Callable[[], str]
Serve = Callable[[Flask], str]


@dataclass
class Shop:
    """A supplier, and the books behind it in which a test sees what really happened."""

    supplier: Supplier
    books: SqlSupplier

    @property
    def held(self) -> dict[str, str]:
        """The item that is held under each key."""
        return {held.key: held.item for held in self.books.held()}

    @property
    def taken(self) -> dict[str, int]:
        """How many units of each item are taken, in books that must agree."""
        assert_consistent(self.books)
        return {stock.item: stock.taken for stock in self.books.stock()}


def assert_consistent(books: SqlSupplier) -> None:
    stock = books.stock()
    assert all(item.consistent for item in stock), stock


@contextmanager
def new_sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / uuid.uuid4().hex}.db"


@contextmanager
def new_postgresql(server: str) -> Iterator[str]:
    """A schema of its own, which is as good as a database of its own, and quicker to make."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
    yield f"{server}?options=-csearch_path%3D{name}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
