"""`GET /bookings`: running first, then the last ended first, with filters and pages."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from bookings.cursors import cursor_of
from bookings.errors import BadCursor
from bookings.listing import Filter
from tools.helpers.processes import wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import temporal_server

NOW = {"Prefer": "wait=0"}


def found(site: Service, **query: str) -> list[tuple[str, str]]:
    answer = site.http.get("/bookings", params=query)
    assert answer.status_code == 200, answer.text
    return [(row["booking_id"], row["status"]) for row in answer.json()["bookings"]]


def shows(site: Service, expected: list[tuple[str, str]], **query: str) -> Callable[[], bool]:
    """Whether a list is as expected; it may lag behind for a moment."""
    return lambda: found(site, **query) == expected


def test_running_first_then_the_last_ended_first(site: Service) -> None:
    name = f"Order {uuid4().hex}"
    first = site.book(name=name).json()["booking_id"]
    second = site.book(name=name, hotel="invalid").json()["booking_id"]
    running = site.book(NOW, name=name, hotel="a slow hotel").json()["booking_id"]
    expected = [(running, "running"), (second, "cancelled"), (first, "booked")]
    wait_until(shows(site, expected, traveller=name))
    wait_until(shows(site, [(second, "cancelled")], traveller=name, status="cancelled"))
    wait_until(shows(site, [(first, "booked")], traveller=first))
    user_id = site.http.get(f"/bookings/{first}").json()["user_id"]
    wait_until(shows(site, [(first, "booked")], traveller=user_id))
    wait_until(lambda: site.status(running) == "booked")
    expected = [(running, "booked"), (second, "cancelled"), (first, "booked")]
    wait_until(shows(site, expected, traveller=name))
    counts = site.http.get("/bookings", params={"traveller": name}).json()["counts"]
    assert counts == {
        "running": 0,
        "undoing": 0,
        "needs_attention": 0,
        "booked": 2,
        "cancelled": 1,
    }


def test_a_trip_that_was_cancelled_later_is_listed_once_as_cancelled(site: Service) -> None:
    name = f"Later {uuid4().hex}"
    booking_id = site.book(name=name).json()["booking_id"]
    site.http.post(f"/bookings/{booking_id}/cancel")
    wait_until(shows(site, [(booking_id, "cancelled")], traveller=name))
    wait_until(shows(site, [(booking_id, "cancelled")], traveller=name, status="cancelled"))
    assert found(site, traveller=name, status="booked") == []
    counts = site.http.get("/bookings", params={"traveller": name}).json()["counts"]
    assert (counts["booked"], counts["cancelled"]) == (0, 1)


def test_needs_attention_is_a_filter(site: Service) -> None:
    name = f"Stuck {uuid4().hex}"
    booking_id = site.book(NOW, name=name, car="a stuck car", hotel="invalid").json()["booking_id"]
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    wait_until(
        shows(site, [(booking_id, "needs_attention")], traveller=name, status="needs_attention")
    )


def test_pages_hold_every_booking_once(site: Service) -> None:
    name = f"Pages {uuid4().hex}"
    made = {site.book(name=name, hotel="invalid").json()["booking_id"] for _ in range(25)}
    wait_until(
        lambda: (
            site.http.get("/bookings", params={"traveller": name}).json()["counts"]["cancelled"]
            == 25
        )
    )
    seen: list[str] = []
    query = {"traveller": name}
    while True:
        page = site.http.get("/bookings", params=query).json()
        seen += [row["booking_id"] for row in page["bookings"]]
        if "next_cursor" not in page:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == 25
    assert set(seen) == made
    assert "cursor" in query
    other_list = site.http.get("/bookings", params={"cursor": query["cursor"]})
    assert other_list.status_code == 400


@pytest.mark.parametrize("token", [b"garbage", b'{"CloseTime":"x"}'])
def test_a_cursor_that_is_forged_is_no_outage(site: Service, token: bytes) -> None:
    """Its checksum is right, but Temporal cannot read what is in it."""
    cursor = cursor_of(token, Filter().query(searchable=True))
    answer = site.http.get("/bookings", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["detail"] == BadCursor.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"status": "lost"}, 422),
        ({"traveller": "x" * 201}, 422),
        ({"cursor": "not a cursor"}, 400),
        ({"cursor": "AAAA"}, 400),
        ({"cursor": "ключ"}, 400),
        ({"traveller": "' OR '1'='1"}, 200),
        ({"traveller": '"\\'}, 200),
        ({"traveller": "trip-' OR WorkflowId STARTS_WITH 'trip-"}, 200),
        ({"status": ""}, 200),
    ],
)
def test_a_query_that_is_hostile_finds_nothing_and_breaks_nothing(
    site: Service, query: dict[str, str], status: int
) -> None:
    answer = site.http.get("/bookings", params=query)
    assert answer.status_code == status, answer.text
    if "OR" in query.get("traveller", ""):
        assert answer.json()["bookings"] == []


def test_without_search_attributes_all_but_the_filters_works(tmp_path: Path) -> None:
    with temporal_server(search_attributes={}) as port, service(tmp_path, port) as site:
        site.start_worker()
        site.start_web()
        booking_id = site.book().json()["booking_id"]
        wait_until(shows(site, [(booking_id, "booked")]))
        filtered = site.http.get("/bookings", params={"status": "booked"})
        assert filtered.status_code == 422
        assert "search attributes" in filtered.json()["detail"]
        site.http.post(f"/bookings/{booking_id}/cancel")
        wait_until(shows(site, [(booking_id, "cancelled")]))
