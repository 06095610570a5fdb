"""The books refuse by themselves what must not be, whatever a worker asks them for."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from examples.orders.activities import WRITE
from examples.orders.model import Order
from saga import REFUSED
from tests.orders.shop import SHIPPED, FaultyBooks


@pytest.fixture
def stock(tmp_path: Path) -> FaultyBooks:
    return FaultyBooks(tmp_path / "stock.db", "?*")


@pytest.fixture
def payments(tmp_path: Path) -> FaultyBooks:
    return FaultyBooks(tmp_path / "payments.db", "[A-Z][A-Z][A-Z]")


def write(books: FaultyBooks, event: str, amount: Any = 0, unit: str = "", key: str = "k") -> None:
    books.run(WRITE, key, event, amount, unit, "")


def refusal(books: FaultyBooks, event: str, amount: Any = 0, unit: str = "", key: str = "k") -> str:
    with pytest.raises(ApplicationError) as refused:
        write(books, event, amount, unit, key)
    assert refused.value.type == REFUSED
    return refused.value.message


def test_each_event_happens_once(stock: FaultyBooks) -> None:
    for event in SHIPPED:
        for _ in range(3):
            write(stock, event, 2, "mug")
    assert stock.events() == SHIPPED
    assert stock.taken() == {"mug": 2}


def test_what_is_given_back_is_given_back_once_and_fenced(payments: FaultyBooks) -> None:
    write(payments, "taken", 1200, "EUR")
    write(payments, "given back")
    write(payments, "given back")
    assert payments.taken() == {}
    assert refusal(payments, "taken", 1200, "EUR") == "It was cancelled before."
    assert payments.events() == ["taken", "given back"]


def test_what_was_never_taken_is_fenced(payments: FaultyBooks) -> None:
    write(payments, "given back")
    assert refusal(payments, "taken", 1200, "EUR") == "It was cancelled before."
    assert payments.taken() == {}


def test_only_what_is_reserved_is_confirmed(stock: FaultyBooks) -> None:
    assert refusal(stock, "confirmed") == "It was never reserved."
    write(stock, "taken", 1, "mug")
    write(stock, "given back")
    assert refusal(stock, "confirmed") == "It was cancelled before."


def test_only_what_is_confirmed_is_shipped(stock: FaultyBooks) -> None:
    write(stock, "taken", 1, "mug")
    assert refusal(stock, "picked") == "It is not confirmed."


def test_what_is_confirmed_is_given_back_only_before_its_shipment(stock: FaultyBooks) -> None:
    for key in ("before", "after"):
        write(stock, "taken", 1, "mug", key)
        write(stock, "confirmed", key=key)
    write(stock, "given back", key="before")
    assert refusal(stock, "picked", key="before") == "It was cancelled before."
    write(stock, "picked", key="after")
    assert "cannot be given back" in refusal(stock, "given back", key="after")
    assert stock.taken() == {"mug": 1}


@pytest.mark.parametrize("amount", [0, -1, 12.5, "twelve"])
def test_an_amount_is_a_positive_integer(payments: FaultyBooks, amount: Any) -> None:
    assert refusal(payments, "taken", amount, "EUR") == "It is not sold in this amount."


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "€"])
def test_a_currency_is_an_iso_code(payments: FaultyBooks, currency: str) -> None:
    assert refusal(payments, "taken", 1200, currency) == "It is not sold in this unit."


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET amount = 1", "DELETE FROM ledger", "UPDATE ledger SET key = 1"]
)
def test_the_ledger_is_append_only(payments: FaultyBooks, statement: str) -> None:
    write(payments, "taken", 1200, "EUR")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        payments.read(statement)


def test_one_item_and_twenty_at_once(stock: FaultyBooks) -> None:
    stock.set_capacity("mug", 1)

    def reserve(number: int) -> bool:
        try:
            write(stock, "taken", 1, "mug", f"k{number}")
        except ApplicationError:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(reserve, range(20))) == 1
    assert stock.taken() == {"mug": 1}


def test_a_capacity_is_never_less_than_is_taken(stock: FaultyBooks) -> None:
    write(stock, "taken", 2, "mug")
    with pytest.raises(ApplicationError, match="sold out"):
        stock.set_capacity("mug", 1)
    stock.set_capacity("mug", 2)
    assert refusal(stock, "taken", 1, "mug", "another") == "It is sold out."


def test_another_request_has_another_key() -> None:
    order = Order("order-1", "ann", "mug", 1200)
    assert order.key("stock") == Order("order-1", "ann", "mug", 1200, note="x").key("stock")
    keys = {
        Order(*request).key("payment")
        for request in [
            ("order-1", "ann", "mug", 1200),
            ("order-2", "ann", "mug", 1200),
            ("order-1", "bob", "mug", 1200),
            ("order-1", "ann", "cup", 1200),
            ("order-1", "ann", "mug", 1201),
        ]
    }
    assert len(keys) == 5
    assert order.key("stock").split(":")[::2] == ["order-1", "stock"]
