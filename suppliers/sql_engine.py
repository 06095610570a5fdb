"""A supplier's database connections: the engine, its limits, and the schema."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from runtime import tracing
from suppliers.sql_schema import metadata

SCHEMA_LOCK = 7_468_697_370  # any number, if nothing else in the database locks it

# No call may hang, whatever the database or the network does, because it blocks a worker's thread.
# Nor may a worker that froze inside a transaction block the others.
POSTGRESQL_LIMITS = {
    "connect_timeout": "5",
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "8000",
}
POSTGRESQL_OPTIONS = (
    "-c statement_timeout=8s -c lock_timeout=8s -c idle_in_transaction_session_timeout=8s"
)


def make_engine(url: str, connections: int = 24) -> Engine:
    """The engine for a `sqlite:///…` or `postgresql://…` URL; it connects on first use.

    Raises:
        ValueError: The URL is invalid, or names no file.
    """
    if url.lower().startswith("sqlite:"):
        settings = {"isolation_level": None, "timeout": 10}
        engine = _engine(_sqlite_url(url), settings, connections)
        event.listen(engine, "connect", _set_up_sqlite)
        _watch_file(engine)
        return engine
    return _engine(_postgresql_url(url), {}, connections)


def _engine(url: URL, connect_args: Mapping[str, object], connections: int) -> Engine:
    return create_engine(
        url,
        connect_args=dict(connect_args),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=url.drivername != "sqlite",  # a file does not disconnect
        hide_parameters=True,  # errors are logged, and must not contain travellers' names
    )


def _sqlite_url(url: str) -> URL:
    path = url.removeprefix("sqlite:///")
    if path in {url, "", ":memory:"}:
        raise ValueError("It names no file: sqlite:/// must be followed by a path.")
    # Not `make_url`: a path may hold a question mark.
    return URL.create("sqlite", database=path)


def _postgresql_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("It is not the URL of a PostgreSQL database.") from error
    options = f"{POSTGRESQL_OPTIONS} {parsed.query.get('options', '')}"
    query = POSTGRESQL_LIMITS | dict(parsed.query) | {"options": options}
    return parsed.set(drivername="postgresql+psycopg", query=query)


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # WAL is faster, and a property of the file. Switching fails, regardless of the timeout, while
    # another connection is switching; then that one succeeds, or the next one to connect.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a power cut loses nothing that was acknowledged


_SEARCH_INDEXES = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5%'"


def compact(file: Path) -> None:
    """Rewrite a SQLite file without the remains of what was deleted, also while it is in use.

    Raises:
        sqlite3.OperationalError: Others did not let go of it for half a minute.
    """
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as db:
        for (index,) in db.execute(_SEARCH_INDEXES).fetchall():
            # It only marks words as deleted, until its parts are merged.
            db.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")  # noqa: S608
        db.execute("VACUUM")
        [busy, *_] = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("its write-ahead log is in use")


def _watch_file(engine: Engine) -> None:
    """Use no other file than the first one, should it be deleted or replaced.

    A connection that is open would go on in the file that is gone, and a new one would make an
    empty file: both would book, and lose what they booked.
    """
    path, known = str(engine.url.database), set[tuple[int, int]]()

    def remember(*_: object) -> None:
        if not known:
            known.add(_identity(path))

    def check(*_: object) -> None:
        if known and _identity(path) not in known:
            raise sqlite3.OperationalError(
                f"{path} was deleted or replaced while it was in use. "
                "Put the right file back, and restart this process."
            )

    event.listen(engine, "do_connect", check)
    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", check)


def _identity(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: an exception rolls it back."""
    with tracing.call(f"write {engine.name}"), engine.begin() as db:
        if db.dialect.name == "sqlite":
            # A transaction that begins by reading could not wait for its turn to write.
            db.exec_driver_sql("BEGIN IMMEDIATE")
        yield db


def create_schema(engine: Engine) -> None:
    """Create a SQLite file's folder and the tables if missing; safe to run concurrently."""
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
    with writing(engine) as db:
        if db.dialect.name == "postgresql":
            db.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
        metadata.create_all(db)
