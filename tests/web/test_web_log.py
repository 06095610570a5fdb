"""What the web process logs of bookings and refusals: where to look, and never what was sent."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tools.helpers.processes import wait_until
from tools.helpers.service import GOOD, Service

NAME, EMAIL = "Philippa Vandersloot", "philippa@vandersloot.example"
PERSONAL = GOOD | {"name": NAME, "email": EMAIL, "hotel": "Vandersloot's own hotel"}


def lines(site: Service, *words: str) -> list[str]:
    """The lines of the web process with these words, without their time."""
    log = (site.folder / "run_workflow.py.log").read_text().splitlines()
    return [line[20:] for line in log if all(word in line for word in words)]


def test_a_booking_is_accepted_and_cancelled(site: Service) -> None:
    mine = {"Request-Id": uuid4().hex}
    booking_id = site.http.post("/book", json=PERSONAL, headers=mine).json()["booking_id"]
    site.http.post(f"/bookings/{booking_id}/cancel", headers=mine)
    site.http.post(f"/bookings/{booking_id}/cancel", headers=mine)  # it is cancelled already
    request = f"(request {mine['Request-Id']})"
    wait_until(lambda: len(lines(site, booking_id)) >= 2)
    assert lines(site, booking_id) == [
        f"{booking_id}: accepted {request}",
        f"{booking_id}: cancellation asked for {request}",
    ]


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (PERSONAL | {"email": "no address"}, {}, "422 invalid-request"),
        (PERSONAL | {NAME: NAME}, {}, "422 invalid-request"),
        (PERSONAL, {"Idempotency-Key": NAME}, "400 bad-key"),
        (PERSONAL, {"Origin": "https://vandersloot.example"}, "403 other-site"),
        (PERSONAL, {"Prefer": "wait=Philippa"}, "400 bad-wait"),
    ],
)
def test_a_refusal_is_a_line_with_its_code(
    site: Service, body: dict[str, Any], headers: dict[str, str], code: str
) -> None:
    mine = uuid4().hex
    site.http.post("/book", json=body, headers={**headers, "Request-Id": mine})
    wait_until(lambda: lines(site, mine))
    [line] = lines(site, mine)
    assert f"POST '/book' refused: {code}, nobody at 127.0.0.1" in line


def test_what_was_sent_is_in_no_line(site: Service) -> None:
    site.http.post("/book", json=PERSONAL)
    site.http.post("/book", data=PERSONAL)
    site.http.post("/book", content=f'{{"name": "{NAME}"', headers={"Content-Type": "text/json"})
    site.http.get("/bookings", params={"traveller": NAME, "status": NAME})
    site.http.get("/bookings", params={"cursor": NAME})
    site.http.get(f"/bookings/{NAME}")
    mine = uuid4().hex
    site.http.post("/book", json={}, headers={"Request-Id": mine})
    wait_until(lambda: lines(site, mine))
    logs = "".join(log.read_text() for log in site.folder.glob("*.log"))
    assert [it for it in logs.splitlines() if "Philippa" in it or "andersloot" in it] == []


def test_lines_for_programs(new_service: Callable[..., Service]) -> None:
    site = new_service(LOG_FORMAT="json")
    worker, web = site.start_worker(), site.start_web()
    mine = uuid4().hex
    booking_id = site.book({"Request-Id": mine}, name=NAME).json()["booking_id"]
    wait_until(lambda: '"booked"' in worker.output and booking_id in web.output)
    accepted = [json.loads(line) for line in web.output.splitlines() if booking_id in line]
    assert [(it["message"], it["request_id"]) for it in accepted] == [("accepted", mine)]
    said = [json.loads(line) for line in worker.output.splitlines() if booking_id in line]
    assert [it["message"] for it in said] == [
        "car booked",
        "hotel booked",
        "flight booked",
        "booked",
    ]
    assert [it.get("leg") for it in said] == ["car", "hotel", "flight", None]
    assert "Vandersloot" not in worker.output + web.output
