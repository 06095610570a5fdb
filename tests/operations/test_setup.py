"""`operations setup`: what it makes, and what it says of a service that is not ready."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared import Leg
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import closed_port, free_port, temporal_server

TOKEN, OTHER = "the-token-of-a-supplier", "another-token-of-another"


def set_up(site: Service) -> tuple[int, list[str]]:
    """Run the command; its exit status, and the last lines: one a check, and what is ready."""
    program = site.start("-m", "operations", "setup")
    return program.status(60), program.output.splitlines()[-8:]


@pytest.mark.long
def test_it_makes_what_is_missing_and_may_be_repeated(tmp_path: Path) -> None:
    with temporal_server(search_attributes={}) as port, service(tmp_path, port) as site:
        status, lines = set_up(site)
        assert (status, lines[-1]) == (0, "ready: 7 of 7")
        made = "made BookingStatus, Traveller, Owner, SearchWords"
        assert f"ok     search attributes: {made}" in lines
        site.start_worker()
        site.start_web()
        booking_id = site.book(name="Ada Quick").json()["booking_id"]

        def found() -> list[str]:
            answer = site.http.get("/bookings", params={"traveller": "quick"})
            return [row["booking_id"] for row in answer.json().get("bookings", [])]

        wait_until(lambda: found() == [booking_id], timeout=60)
        status, lines = set_up(site)
        assert (status, lines[-1]) == (0, "ready: 7 of 7")
        assert "ok     search attributes: all are there" in lines
        assert len(site.held()) == 3


def test_it_says_what_to_do(new_service: Callable[..., Service], tmp_path: Path) -> None:
    supplier = free_port()
    serve = ("-m", "suppliers", "serve", "hotel", "--port", str(supplier))
    partner = Environment(tmp_path / "partner", SUPPLIER_TOKENS=TOKEN)
    with closed_port() as nobody, started(partner, tmp_path / "hotel.log", *serve) as hotel:
        site = new_service(
            HOTEL_SUPPLIER=f"http://127.0.0.1:{supplier}",
            HOTEL_SUPPLIER_TOKEN=OTHER,
            SMTP_URL=f"smtp://ann:hunter2@127.0.0.1:{nobody}",
            API_TOKENS="acme:short",
            TEMPORAL_NAMESPACE="nowhere",
        )
        hotel.wait_for(str(supplier))
        status, lines = set_up(site)
    to_do = {line[7:].partition(":")[0]: line for line in lines if line.startswith("TO DO  ")}
    assert "there is no namespace nowhere" in to_do["Temporal"]
    assert "HOTEL_SUPPLIER" in to_do["suppliers"]
    assert "status 401" in to_do["suppliers"]
    assert "CAR_SUPPLIER" not in to_do["suppliers"]
    assert "Connection refused. Set SMTP_URL" in to_do["mail"]
    assert "at least 16 characters" in to_do["tokens"]
    assert (status, lines[-1]) == (1, f"ready: {7 - len(to_do)} of 7")
    assert not any(secret in "".join(lines) for secret in (OTHER, "hunter2", "short"))
    assert not (Path(site.environment["DATA_DIR"]) / f"{Leg.CAR}.db").exists(), "it only looks"


def test_an_address_that_is_no_mail_server_s_is_one_of_its_lines(
    new_service: Callable[..., Service],
) -> None:
    status, lines = set_up(new_service(SMTP_URL="nonsense"))
    assert (status, lines[-1]) == (1, "ready: 6 of 7")
    [mail] = [line for line in lines if line.startswith("TO DO")]
    assert "SMTP_URL must be smtp://" in mail
