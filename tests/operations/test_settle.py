"""`settle`: an operator ends a booking whose undo is stuck."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from operations.settle import account
from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}
ANN = ("--by", "Ann", "--note", "phoned the rental")


@pytest.mark.long
def test_a_stuck_leg_is_settled(new_service: Callable[..., Service]) -> None:
    site = new_service(UNDO_PATIENCE="0.5")
    site.start_worker()
    site.start_web()
    booking_id = site.book(NOW, car="a stuck car", flight="invalid").json()["booking_id"]
    wait_until(lambda: site.status(booking_id) == "needs_attention")

    wrong_leg = site.start("-m", "operations", "settle", booking_id, "hotel", *ANN)
    assert wrong_leg.status() == 1
    assert "There is nothing to settle at the hotel now." in wrong_leg.output
    blank = site.start("-m", "operations", "settle", booking_id, "car", "--by", " ", "--note", "x")
    assert blank.status() == CONFIGURATION_ERROR
    assert "--by: must be visible text" in blank.output
    note = "phoned\x1b[2J\nthe rental " + "again " * 10_000
    by_ann = ("--by", "Ann", "--note", note)
    settled = site.start("-m", "operations", "settle", *by_ann, booking_id, "car")
    assert settled.status() == 0

    wait_until(lambda: site.status(booking_id) == "cancelled")
    car = site.http.get(f"/bookings/{booking_id}").json()["legs"][0]
    assert car["state"] == "settled"
    assert car["reason"] == "Our staff made sure that nothing is booked."
    page = site.http.get(f"/bookings/{booking_id}", headers={"Accept": "text/html"}).text
    assert "Ann" not in page
    assert "phoned" not in page
    wait_until(lambda: site.held(booking_id) == [])
    with closing(sqlite3.connect(site.folder / "data" / "car.db")) as books:
        [[kept]] = books.execute("SELECT note FROM ledger WHERE event = 'settled'").fetchall()
    assert kept.startswith("Settled by Ann: phoned[2J the rental again again")
    assert len(kept) < 250

    ended = site.start("-m", "operations", "settle", booking_id, "car", *ANN)
    assert ended.status() == 1
    assert "There is no such booking, or it has ended." in ended.output

    log = site.folder / "data" / "staff.log"
    before = log.read_text()
    unknown = site.start("-m", "operations", "settle", "trip-" + "0" * 32, "car", *ANN)
    assert unknown.status() == 1
    assert "There is no such booking." in unknown.output
    assert log.read_text() == before, "what was never tried is logged"
    results = [act.get("result") for act in map(json.loads, before.splitlines())]
    refused, settled_now, late = results[1::2]
    assert settled_now == "done"
    assert "nothing to settle" in refused
    assert "ended" in late
    assert {act["user"] for act in map(json.loads, before.splitlines())} == {account()}


def test_a_stuck_cancellation_is_settled(new_service: Callable[..., Service]) -> None:
    site = new_service(UNDO_PATIENCE="0.5")
    site.start_worker()
    site.start_web()
    booking_id = site.book(car="a stuck car").json()["booking_id"]
    site.http.post(f"/bookings/{booking_id}/cancel", headers=NOW)
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    assert site.start("-m", "operations", "settle", booking_id, "car", *ANN).status() == 0
    wait_until(lambda: site.status(booking_id) == "cancelled" and not site.held(booking_id))


def test_without_temporal_it_says_so(tmp_path: Path) -> None:
    command = ("-m", "operations", "settle", "trip-" + "0" * 32, "car", *ANN)
    with started(Environment(tmp_path / "data"), tmp_path / "log", *command) as program:
        assert program.status() == CONFIGURATION_ERROR
        assert "cannot be reached" in program.output
