"""Which supplier a URL opens, and what is said of one that opens none."""

from contextlib import closing
from pathlib import Path

import pytest

from settings import Settings
from shared import Leg
from suppliers import open_supplier
from suppliers.breaker import Breaker
from suppliers.configured import access_of, supplier_of
from suppliers.exchange import Access
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


def test_a_partner_gets_a_password_or_a_token() -> None:
    with pytest.raises(ValueError, match=r"CAR_SUPPLIER or CAR_SUPPLIER_TOKEN, not both") as error:
        open_supplier("https://us:hunter2@cars.example", "car", access=Access("s3cret"))
    assert "hunter2" not in str(error.value)


def test_a_partner_has_a_breaker_and_a_database_has_none() -> None:
    settings = Settings(CAR_SUPPLIER="https://cars.example", HOTEL_SUPPLIER="sqlite:///hotel.db")
    with (
        closing(supplier_of(settings, "car")) as car,
        closing(supplier_of(settings, "hotel")) as db,
    ):
        assert isinstance(car, Breaker)
        assert isinstance(db, SqlSupplier)


def test_a_token_can_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    variables = {"CAR_SUPPLIER_TOKEN_FILE": tmp_path / "token", "HOTEL_SUPPLIER_TOKEN": "other"}
    settings = Settings.model_validate(variables)
    assert [access_of(settings, leg).token for leg in Leg] == ["s3cret", "other", ""]


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("", {}, "CAR_SUPPLIER_TOKEN is set, but holds no token"),
        ("two tokens", {}, "CAR_SUPPLIER_TOKEN must be one token"),
        ("s3crét", {}, "CAR_SUPPLIER_TOKEN must be printable ASCII"),
        ("s3cret", {"CAR_SUPPLIER_TOKEN": "s3cret"}, "CAR_SUPPLIER_TOKEN_FILE, not both"),
    ],
)
def test_a_token_that_cannot_be_sent_is_one_message(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    variables: dict[str, str],
    said: str,
) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(SystemExit) as exit_:
        access_of(Settings(CAR_SUPPLIER_TOKEN_FILE=tmp_path / "token", **variables), "car")
    assert exit_.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert "s3cr" not in printed
