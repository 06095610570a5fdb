"""The desk: who may use it, what it shows, and what staff can do."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from shared import Leg
from tools.helpers.processes import wait_until
from tools.helpers.service import Service

CLIENT, STAFF = "the-token-of-a-client", "the-token-of-ann-at-the-desk"
NOW = {"Prefer": "wait=0"}
HTML = {"Accept": "text/html"}


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def site(new_service: Callable[..., Service]) -> Service:
    made = new_service(
        API_TOKENS=f"acme:{CLIENT}", STAFF_TOKENS=f"ann:{STAFF}", UNDO_PATIENCE="1", DEMO_FAULTS="1"
    )
    made.start_worker()
    made.start_web()
    return made


def acts(site: Service) -> list[dict[str, str]]:
    log = Path(site.environment["DATA_DIR"]) / "staff.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    return [act for line in log.read_text().splitlines() if "result" in (act := json.loads(line))]


def read(site: Service, path: str, token: str) -> httpx2.Response:
    return site.http.get(path, headers=HTML | by(token))


def status(site: Service, booking_id: str) -> str:
    answer = site.http.get(f"/bookings/{booking_id}", headers=by(STAFF))
    return str(answer.json()["status"])


def test_staff_settle_what_is_stuck(site: Service) -> None:
    stuck = site.book(NOW | by(CLIENT), car="a stuck car", flight="invalid").json()["booking_id"]
    wait_until(lambda: status(site, stuck) == "needs_attention")
    wait_until(lambda: stuck in read(site, "/desk", STAFF).text)  # a moment later than its page
    assert "Settle the car" in read(site, f"/bookings/{stuck}", STAFF).text
    assert "Settle the car" not in read(site, f"/bookings/{stuck}", CLIENT).text

    def settle(**fields: str) -> httpx2.Response:
        path = f"/desk/bookings/{stuck}/settle"
        return site.http.post(path, data=fields, headers=by(STAFF))

    assert settle(leg="car", note=" ").status_code == 422
    assert settle(leg="hotel", note="phoned").status_code == 409
    assert settle(leg="car", note="phoned the rental").status_code == 303
    wait_until(lambda: status(site, stuck) == "cancelled")
    [car, *_] = site.http.get(f"/bookings/{stuck}", headers=by(CLIENT)).json()["legs"]
    assert car["state"] == "settled"
    [act] = acts(site)
    assert (act["who"], act["act"], act["note"]) == ("ann", "settle car", "phoned the rental")
    assert act["result"] == "done"
    assert act["booking_id"] == stuck
    assert "phoned the rental" in read(site, "/desk", STAFF).text
    wait_until(lambda: "Nothing needs you." in read(site, "/desk", STAFF).text)


def test_staff_see_and_cancel_every_trip_and_clients_their_own(site: Service) -> None:
    booked = site.book(by(CLIENT)).json()["booking_id"]
    own = site.book(by(STAFF)).json()["booking_id"]
    wait_until(lambda: booked in read(site, "/bookings", STAFF).text)
    assert site.http.get(f"/bookings/{own}", headers=by(CLIENT)).status_code == 404
    for path in (f"/desk/bookings/{booked}/cancel", f"/desk/bookings/{booked}/settle"):
        refused = site.http.post(path, data={"note": "mine"}, headers=by(CLIENT))
        assert refused.status_code == 403
    assert read(site, "/desk", CLIENT).status_code == 403
    pages = [read(site, f"/bookings/{booked}", token).text for token in (STAFF, CLIENT)]
    assert ["Web UI" in page for page in pages] == [True, False]
    note = {"note": "the traveller phoned"}
    elsewhere = by(STAFF) | {"Sec-Fetch-Site": "cross-site"}
    path = f"/desk/bookings/{booked}/cancel"
    assert site.http.post(path, data=note, headers=elsewhere).status_code == 403
    assert len(site.held(booked)) == 3
    assert site.http.post(path, data=note, headers=by(STAFF)).status_code == 303
    wait_until(lambda: status(site, booked) == "cancelled")
    assert site.held(booked) == []
    assert [(act["who"], act["act"]) for act in acts(site)] == [("ann", "cancel")]


def test_without_tokens_everybody_on_the_machine_is_staff(
    new_service: Callable[..., Service],
) -> None:
    site = new_service()
    site.start_web()
    assert "Nothing needs you." in site.http.get("/desk", headers=HTML).text


@pytest.mark.long
def test_staff_filter_what_needs_them_and_try_it_again(site: Service) -> None:
    stuck = site.book(NOW | by(CLIENT), car="a stuck car", flight="invalid").json()["booking_id"]
    wait_until(lambda: stuck in read(site, "/desk", STAFF).text)
    assert stuck in read(site, "/desk?reason=car&from=2026-01-01&to=", STAFF).text
    for filter_ in ("reason=hotel", "reason=bug", "reason=stopped", "from=2199-01-01"):
        assert "Nothing matches." in read(site, f"/desk?{filter_}", STAFF).text
    for filter_ in ("reason=boat", "from=yesterday", "from=2026-02-01&to=2026-01-01"):
        assert read(site, f"/desk?{filter_}", STAFF).status_code == 400

    def attempts() -> int:
        story = site.http.get(f"/bookings/{stuck}/events", headers=by(STAFF)).json()["events"]
        known = [it["attempts"] for it in story if it["kind"] in {"waiting", "trying"}]
        return int(known[0]) if known else 0

    wait_until(lambda: attempts() >= 3)
    path = f"/desk/bookings/{stuck}/try-again"
    assert site.http.post(path, data={"leg": "hotel"}, headers=by(STAFF)).status_code == 409
    elsewhere = by(STAFF) | {"Sec-Fetch-Site": "cross-site"}
    for whose in (by(CLIENT), elsewhere):
        assert site.http.post(path, data={"leg": "car"}, headers=whose).status_code == 403
    assert site.http.post(path, data={"leg": "car"}, headers=by(STAFF)).status_code == 303
    wait_until(lambda: attempts() < 3)  # it counts from the beginning
    [act] = acts(site)
    assert (act["act"], act["result"]) == ("try again car", "done")


def test_a_torn_log_and_one_that_cannot_be_written(site: Service) -> None:
    booked = site.book(by(CLIENT)).json()["booking_id"]
    log = Path(site.environment["DATA_DIR"]) / "staff.log"
    log.write_text('{"at": "2026-11-26T08:0')
    log.chmod(0o600)
    assert "1 line of the staff log cannot be read." in read(site, "/desk", STAFF).text
    log.unlink()
    log.mkdir()
    path = f"/desk/bookings/{booked}/cancel"
    refused = site.http.post(path, data={"note": "the traveller phoned"}, headers=by(STAFF))
    assert refused.status_code == 503
    assert "nothing was done" in refused.json()["detail"]
    assert status(site, booked) == "booked"
    log.rmdir()
    log.write_text('{"at": "2026-11-26T08:0')
    assert site.http.post(path, data={"note": "phoned"}, headers=by(STAFF)).status_code == 303
    assert "phoned" in read(site, "/desk", STAFF).text


@pytest.mark.long
def test_the_audit_and_the_suppliers_are_seen_from_the_desk(site: Service) -> None:
    assert "no result is known here" in read(site, "/desk", STAFF).text
    assert "No audit is known here." in read(site, "/desk/suppliers/car", STAFF).text
    booked = site.book(by(CLIENT), car="a red car").json()["booking_id"]
    site.suppliers[Leg.CAR].set_stock("a red car", 3)
    audit = site.start("-m", "operations", "audit")
    assert audit.status() in {0, 1}  # other tests' trips are in Temporal, but not in these books
    assert re.search(r"\d+ trips?, \d+ violations?, \d+ s ago", read(site, "/desk", STAFF).text)
    page = read(site, "/desk/suppliers/car", STAFF).text
    assert re.search(r"a red car</th><td>3</td><td>1 taken</td><td>agrees", page)
    assert booked[:13] in page
    assert "only workers know" in page
    assert read(site, "/desk/suppliers/boat", STAFF).status_code == 404
    assert read(site, "/desk/suppliers/car", CLIENT).status_code == 403
    (Path(site.environment["DATA_DIR"]) / "audit.json").write_text('{"at": "2026')
    assert "no result is known here" in read(site, "/desk", STAFF).text
