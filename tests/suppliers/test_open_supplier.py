"""Which supplier a URL opens, and what is said of one that opens none."""

from contextlib import closing
from pathlib import Path

import pytest

from suppliers import open_supplier
from suppliers.http import HttpSupplier
from suppliers.sql import SqlSupplier


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:///relative/car.db", SqlSupplier),
        ("sqlite:////absolute/car.db", SqlSupplier),
        ("postgresql://user:secret@db.example/cars?sslmode=require", SqlSupplier),
        ("postgres://db.example:5433/cars", SqlSupplier),
        ("https://cars.example/v1", HttpSupplier),
        ("http://localhost:7001", HttpSupplier),
        ("http://127.0.0.1:7001", HttpSupplier),
        ("http://[::1]:7001", HttpSupplier),
    ],
)
def test_the_scheme_picks_the_adapter_and_nothing_connects(url: str, kind: type) -> None:
    with closing(open_supplier(url, "car")) as supplier:
        assert isinstance(supplier, kind)


def test_plain_http_to_another_machine_needs_a_switch() -> None:
    with pytest.raises(ValueError, match=r"PLAIN_HTTP_SUPPLIERS=true"):
        open_supplier("http://cars.example", "car")
    open_supplier("http://cars.example", "car", plain_http=True).close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://cars.example",
        "https://",
        "http://",
        "https://cars.example:secret",
        "https://cars.example:99999",
        "https://[::1",
        "sqlite://",
        "sqlite:///",
        "sqlite://cars.db",
        "sqlite:///:memory:",
        "SQLITE:///cars.db",
        "postgresql:cars",
        "postgresql://user:sec/ret@db.example/cars",
    ],
)
def test_any_other_url_is_refused_with_what_to_set(url: str) -> None:
    with pytest.raises(ValueError, match=r"^HOTEL_SUPPLIER must be sqlite:///<file>") as error:
        open_supplier(url, "hotel")
    assert "sec" not in str(error.value)


def test_any_path_can_be_a_sqlite_file(tmp_path: Path) -> None:
    file = tmp_path / "what? 100% [of] #1 & ünï" / "car.db"
    with closing(open_supplier(f"sqlite:///{file}", "car")) as supplier:
        supplier.release("key")
    assert file.exists()
