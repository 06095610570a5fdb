"""No secret gets into a log, whatever goes wrong, and nobody else can read a supplier's file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port

SECRET = "hunter2-hunter2-hunter2"  # noqa: S105

NewService = Callable[..., Service]


def test_passwords_of_suppliers_and_of_the_mail_server_are_not_logged(
    new_service: NewService,
) -> None:
    """Nobody listens at the hotel, the flight and the mail server; the car's is a file."""
    nobody = free_port()
    site = new_service(
        HOTEL_SUPPLIER=f"http://partner:{SECRET}@127.0.0.1:{nobody}",
        FLIGHT_SUPPLIER=f"postgresql://partner:{SECRET}@127.0.0.1:{nobody}/flights",
        SMTP_URL=f"smtps://us:{SECRET}@127.0.0.1:{nobody}",
        API_TOKENS=f"acme:{SECRET}",
        LEG_DEADLINE="1",
        UNDO_PATIENCE="1",
    )
    worker = site.start_worker()
    web = site.start_web()
    site.http.headers["Authorization"] = f"Bearer {SECRET}"
    booking_id = site.book({"Prefer": "wait=0"}, email="jane@example.com").json()["booking_id"]
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    worker.wait_for("hotel supplier did not answer")
    assert SECRET not in worker.output + web.output
    assert "jane@example.com" not in worker.output + web.output
    assert (site.folder / "data" / "car.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CAR_SUPPLIER", f"ftp://partner:{SECRET}@car.example"),
        ("CAR_SUPPLIER", f"http://partner:{SECRET}@car.example"),
        ("CAR_SUPPLIER", f"https://partner:{SECRET}@car.example:port"),
        ("CAR_SUPPLIER_TOKEN", f"{SECRET} {SECRET}"),
        ("SMTP_URL", f"http://us:{SECRET}@mail.example"),
        ("SMTP_URL", f"smtp://us:{SECRET}@mail.example:port"),
        ("SMTP_URL", f"smtp://us:{SECRET}@[mail.example"),
    ],
)
def test_a_setting_that_is_wrong_is_not_shown_with_its_secret(
    tmp_path: Path, variable: str, value: str
) -> None:
    environment = Environment(tmp_path / "data", **{variable: value})
    with started(environment, tmp_path / "log", "run_worker.py") as worker:
        assert worker.status() == CONFIGURATION_ERROR
        assert variable in worker.output
        assert SECRET not in worker.output
