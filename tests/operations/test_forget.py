"""`forget`: a traveller's personal data goes everywhere, and what is held and counted stays."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request

from shared import Leg
from suppliers.service import create_service
from tests.suppliers.shops import serving
from tools.helpers.processes import Environment, Started, wait_until
from tools.helpers.service import Service

pytestmark = pytest.mark.long

NOW = {"Prefer": "wait=0"}


def traveller(name: str) -> dict[str, Any]:
    """A traveller with a name of one word; each test has its own."""
    return {"name": f"Ada {name}", "email": f"{name}@example.com"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose Temporal keeps its state in a file."""
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        site = Service(stack, folder, Environment(folder / "data"))
        site.start("-m", "local.run_temporal").wait_for("Temporal is ready")
        site.start_worker()
        site.start_web()
        yield site


def forget(site: Service, who: str, **variables: str) -> tuple[int, str]:
    before = site.environment
    site.environment = Environment(Path(before["DATA_DIR"]))
    site.environment.update(before | variables)
    program: Started = site.start("-m", "operations", "forget", who)
    site.environment = before
    return program.status(180), program.output


def audit(site: Service) -> str:
    program = site.start("-m", "operations", "audit")
    assert program.status(180) == 0, program.output
    return program.output


def files_with(site: Service, name: str) -> list[str]:
    """The files of the service that hold a name, in whatever case."""
    # Not here: closing a file would take SQLite's locks on it away from this process.
    grep = ["grep", "-rlia", name, site.environment["DATA_DIR"]]
    found = subprocess.run(grep, stdout=subprocess.PIPE, text=True, check=False)
    return [Path(file).name for file in found.stdout.splitlines()]


def test_all_of_a_traveller_s_trips_are_forgotten_everywhere(site: Service) -> None:
    """One that is booked, one that was cancelled after that, and one that was refused."""
    ada = traveller("Quintessenz")
    booked, cancelled = (site.book(**ada).json()["booking_id"] for _ in range(2))
    refused = site.book(**ada, hotel="an invalid hotel").json()["booking_id"]
    site.http.post(f"/bookings/{cancelled}/cancel")
    other = site.book(name="Adal", email="adal@example.com").json()["booking_id"]
    mail = Path(site.environment["DATA_DIR"]) / "mail"
    wait_until(lambda: len(list(mail.glob(f"{cancelled}.*"))) > 0)
    wait_until(lambda: len(list(mail.iterdir())) >= 4)
    assert {"temporal.db", "car.db"} & set(files_with(site, "Quintessenz"))
    held = site.held(booked)

    status, output = forget(site, ada["name"])
    assert status == 0, output
    assert {f"{it} is forgotten." in output for it in (booked, cancelled, refused)} == {True}
    assert "Quintessenz" not in output
    assert files_with(site, "Quintessenz") == []
    for booking_id in (booked, cancelled, refused):
        assert site.http.get(f"/bookings/{booking_id}").status_code == 404
    assert [(it.key, it.item) for it in site.held(booked)] == [(it.key, it.item) for it in held]
    assert [site.suppliers[leg].stock()[0].taken for leg in Leg] == [2, 2, 2]
    assert "1 forgotten on request" in audit(site)

    adopting = site.start("-m", "operations", "adopt", held[0].key)
    assert (adopting.status(180), "started again" in adopting.output) == (0, True)
    wait_until(lambda: site.status(booked) == "booked")
    assert site.http.post(f"/bookings/{booked}/cancel").json()["cancelled"] is True
    assert site.held(booked) == []
    assert (forget(site, "")[0], site.status(booked)) == (1, "cancelled"), "it has no name"

    assert site.status(other) == "booked"
    assert [it.traveller for it in site.held(other)] == ["Adal"] * 3
    assert site.book().json()["status"] == "booked", "all goes on in the rewritten files"
    assert forget(site, ada["name"])[0] == 1
    status, output = forget(site, other)
    assert (status, f"{other} is forgotten." in output) == (0, True)
    assert "1 forgotten on request" in audit(site).rpartition("trips:")[2]


def test_a_trip_that_has_not_ended_is_left_alone(site: Service) -> None:
    ada = traveller("Stuckmann")
    booking_id = site.book(NOW, **ada, car="a stuck car", flight="invalid").json()["booking_id"]
    wait_until(lambda: site.held(booking_id) and site.status(booking_id) == "undoing")
    status, output = forget(site, booking_id)
    assert (status, "It has not ended yet." in output) == (1, True), output
    assert [it.traveller for it in site.held(booking_id)] == [ada["name"]]
    assert site.status(booking_id) in {"undoing", "needs_attention"}


def test_nobody_is_found_who_was_not_meant(site: Service) -> None:
    ada = traveller("Nobodaddy")
    booking_id = site.book(**ada).json()["booking_id"]
    for who in ("Ada", "Nobodaddy", "%", "trip-", "trip-" + "0" * 32, "", booking_id[:-1]):
        status, output = forget(site, who)
        assert (status, "Nothing is stored about" in output) == (1, True), output
    assert [it.traveller for it in site.held(booking_id)] == [ada["name"]] * 3
    assert site.status(booking_id) == "booked"


def test_a_partner_is_asked(site: Service) -> None:
    ada = traveller("Partnersson")
    booking_id = site.book(**ada).json()["booking_id"]
    with serving(create_service(site.suppliers[Leg.HOTEL])) as url:
        status, output = forget(site, ada["email"], HOTEL_SUPPLIER=url)
    assert status == 0, output
    assert [it.traveller for it in site.held(booking_id)] == ["", "", ""]


def test_a_partner_that_cannot_forget_is_named_with_its_key(site: Service) -> None:
    ada = traveller("Namedkey")
    booking_id = site.book(**ada).json()["booking_id"]
    [key] = [it.key for it in site.held(booking_id) if it.key.endswith("hotel")]
    service = create_service(site.suppliers[Leg.HOTEL])
    service.before_request(lambda: Response(status=405) if request.method == "PATCH" else None)
    with serving(service) as url:
        status, output = forget(site, booking_id, HOTEL_SUPPLIER=url)
    assert status == 1
    assert f"Ask the hotel supplier to remove the name from: {key}" in output
    assert site.http.get(f"/bookings/{booking_id}").status_code == 404


def test_while_a_partner_is_down_temporal_keeps_the_trip(site: Service) -> None:
    """Without it, nobody would know the partner's key."""
    ada = traveller("Lastingfame")
    booking_id = site.book(**ada).json()["booking_id"]
    with serving(Flask("hotel")) as url:
        down = url
    status, output = forget(site, booking_id, HOTEL_SUPPLIER=down)
    assert (status, "The hotel supplier failed. Repeat this." in output) == (1, True), output
    assert site.status(booking_id) == "booked"
    assert "Traceback" not in output
    assert forget(site, booking_id)[0] == 0
    assert files_with(site, "Lastingfame") == []
