"""What a supplier promises when PostgreSQL is away, slow, or shared with others."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from suppliers import open_supplier
from suppliers.sql import SqlSupplier
from suppliers.sql_engine import make_engine
from tests.suppliers.shops import ITEM, KEY, new_postgresql


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    with new_postgresql(postgres_url) as url:
        yield url


def test_a_database_that_is_away_at_first_is_used_later(postgres_url: str) -> None:
    late = postgres_url.rpartition("/")[0] + "/late"
    with (
        psycopg.connect(postgres_url, autocommit=True) as admin,
        closing(open_supplier(late, "car")) as supplier,
    ):
        with pytest.raises(SQLAlchemyError):
            supplier.reserve(KEY, ITEM, "Ada")
        admin.execute("CREATE DATABASE late")
        supplier.reserve(KEY, ITEM, "Ada")


def test_connections_that_were_cut_are_replaced(database: str) -> None:
    with closing(SqlSupplier(database, "car")) as supplier:
        supplier.reserve(KEY, ITEM, "Ada")
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        supplier.release(KEY)

        assert supplier.held() == []


def test_a_call_that_waits_for_others_does_not_hang(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suppliers.sql_engine.POSTGRESQL_OPTIONS", "-c lock_timeout=50ms")
    with closing(SqlSupplier(database, "car")) as supplier:
        supplier.reserve("another trip", ITEM, "Bob")
        with psycopg.connect(database) as other:
            other.execute("SELECT * FROM stock FOR UPDATE")
            with pytest.raises(SQLAlchemyError, match="lock timeout"):
                supplier.reserve(KEY, ITEM, "Ada")
        supplier.reserve(KEY, ITEM, "Ada")

        assert [(stock.taken, stock.booked) for stock in supplier.stock()] == [(2, 2)]


def test_the_limits_are_set_beside_the_options_of_the_url(postgres_url: str) -> None:
    engine = make_engine(f"{postgres_url}?connect_timeout=3&options=-c%20search_path%3Dcars")
    with engine.connect() as db:
        settings = {
            name: db.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("statement_timeout", "lock_timeout", "search_path")
        }
    engine.dispose()

    assert settings == {"statement_timeout": "8s", "lock_timeout": "8s", "search_path": "cars"}
    assert engine.url.query["connect_timeout"] == "3"


def test_the_names_of_travellers_stay_out_of_the_errors(database: str) -> None:
    with closing(SqlSupplier(database, "car")) as supplier:
        supplier.stock()
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute("DROP TABLE reservation")
        with pytest.raises(SQLAlchemyError) as error:
            supplier.reserve(KEY, ITEM, "Ada Lovelace")

    assert "Lovelace" not in str(error.value)
