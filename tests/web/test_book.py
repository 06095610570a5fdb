"""`POST /book`: the contract, field for field, and what comes of requests that are not good."""

import re
from time import time
from typing import Any

import pytest

from tools.helpers.processes import wait_until
from tools.helpers.service import GOOD, Service

CONTRACT = {
    "name": "John Doe",
    "attempts": 5,
    "car": "valid-car-id",
    "hotel": "valid-hotel-id",
    "flight": "valid-flight-id",
}
DAYS_500 = 500 * 86_400_000


def test_a_booked_trip_is_answered_as_documented(site: Service) -> None:
    answer = site.http.post("/book", json=CONTRACT)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert re.fullmatch("john-doe-[0-9]{6}", body["user_id"])
    assert {name: body[name] for name in ("cancelled", "car", "hotel", "flight", "result")} == {
        "cancelled": False,
        "car": "Car: valid-car-id",
        "hotel": "Hotel: valid-hotel-id",
        "flight": "Flight: valid-flight-id",
        "result": "Booked car: valid-car-id Booked hotel: valid-hotel-id"
        " Booked flight: valid-flight-id",
    }
    assert re.fullmatch("trip-[0-9a-f]{32}", body["booking_id"])
    assert [leg["attempts"] for leg in body["legs"]] == [5, 5, 5]
    assert len(site.held(body["booking_id"])) == 3
    assert site.http.get(body["url"]).json()["user_id"] == body["user_id"]


def test_a_cancelled_trip_is_answered_as_documented(site: Service) -> None:
    answer = site.http.post(
        "/book", json=CONTRACT | {"name": "Jane Smith", "attempts": 1, "hotel": "invalid-hotel-id"}
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["cancelled"] is True
    assert body["result"] == "Voyage cancelled"
    assert re.fullmatch("jane-smith-[0-9]{6}", body["user_id"])
    assert not {"car", "hotel", "flight"} & set(body)
    assert body["reason"] == "Invalid hotel booking, rolling back!"
    assert [leg["state"] for leg in body["legs"]] == ["undone", "refused", "not_attempted"]
    assert site.held(body["booking_id"]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attempts", "2"),
        ("attempts", 2.0),
        ("name", "李雷"),
        ("name", "Zoë O'Connor-Šmíd"),
        ("car", 'A "quoted" / slashed \\ item; DROP TABLE stock'),
        ("hotel", "Hotel 🏨 " + "x" * 190),
        ("email", None),
    ],
)
def test_what_is_valid_is_booked(site: Service, field: str, value: Any) -> None:
    answer = site.book(**{field: value})
    assert answer.status_code == 200
    body = answer.json()
    assert body["cancelled"] is False
    assert len(site.held(body["booking_id"])) == 3
    if field in {"car", "hotel"}:
        assert body[field] == f"{field.capitalize()}: {value}"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("李雷", "traveller"), ("Zoë  O'Connor!", "zoe-o-connor"), ("7", "traveller")],
)
def test_the_user_id_is_a_slug_and_six_digits(site: Service, name: str, slug: str) -> None:
    assert re.fullmatch(f"{slug}-[0-9]{{6}}", site.book(name=name).json()["user_id"])


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": ["John"]},
        {"name": "John\u0000Doe"},
        {"name": "John\nDoe"},
        {"car": 7},
        {"car": "x" * 201},
        {"hotel": {}},
        {"flight": True},
        {"attempts": 0},
        {"attempts": 11},
        {"attempts": 10**400},
        {"attempts": 1.5},
        {"attempts": True},
        {"attempts": "two"},
        {"attempts": " 2"},
        {"email": "nobody"},
        {"email": "root,jane@example.com"},
        {"email": "<root>jane@example.com"},
        {"email": "a:jane@example.com"},
        {"email": "(jane@example.com"},
        {"email": '"jane"@example.com'},
        {"email": "jane@..."},
        {"email": "jane@-example.com"},
        {"email": ".jane@example.com"},
        {"email": "jane@example.com,root"},
        {"email": "j" * 250 + "@example.com"},
        {"email": "a@b.c\nBcc: everybody@example.com"},
        {"pace": {"leg_deadline": 0}},
        {"seats": 2},
    ],
)
def test_what_is_not_valid_is_422_and_books_nothing(site: Service, changes: Any) -> None:
    before = len(site.held())
    answer = site.book(**changes)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert problem["errors"][0]["pointer"] == f"/{next(iter(changes))}"
    assert problem["errors"][0]["detail"]
    assert len(site.held()) == before


@pytest.mark.parametrize("field", ["name", "car", "hotel", "flight"])
def test_a_missing_field_is_named(site: Service, field: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != field}
    answer = site.http.post("/book", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b'{"name": "\xff"}', JSON, 400),
        (b'{"name": NaN}', JSON, 400),
        (b'{"name": "John", "name": "Jane"}', JSON, 400),
        (b"[" * 10_000, JSON, 400),
        (b'{"attempts": ' + b"9" * 5_000 + b"}", JSON, 400),
        (b'"a string"', JSON, 422),
        (b"[]", JSON, 422),
        (b"null", JSON, 422),
        (b'{"name": "\\ud800", "car": "c", "hotel": "h", "flight": "f"}', JSON, 422),
        (b"x" * 20_000, JSON, 413),
        (b"name=John", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"{}", JSON | {"Prefer": "wait=soon"}, 400),
    ],
)
def test_what_is_not_readable_is_refused(
    site: Service, content: bytes, headers: dict[str, str], status: int
) -> None:
    before = len(site.held())
    if status == 400 and "Prefer" in headers:
        content = b'{"name": "J", "car": "c", "hotel": "h", "flight": "f"}'
    answer = site.http.post("/book", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert len(site.held()) == before


def test_a_body_in_chunks_is_limited_too(site: Service) -> None:
    answer = site.http.post("/book", content=(b"x" * 1000 for _ in range(30)), headers=JSON)
    assert answer.status_code == 413, answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/book", 405)]
)
def test_unknown_paths_and_methods_are_problems(
    site: Service, method: str, path: str, status: int
) -> None:
    answer = site.http.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    if status == 405:
        assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "booking_id", ["trip-" + "0" * 32, "x", "trip-1' OR '1'='1", "%2e%2e%2fetc", "trip-" + "G" * 32]
)
def test_an_unknown_booking_is_404(site: Service, booking_id: str) -> None:
    assert site.http.get(f"/bookings/{booking_id}").status_code == 404


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "019b7740-7f00-7cc3-98c4-dc0c0c07398f"}])
def test_what_is_no_longer_kept_is_410_and_what_never_was_is_404(
    site: Service, key: dict[str, str]
) -> None:
    """An id ends with the time of its key, in milliseconds since 1970."""
    booking_id = site.book(key).json()["booking_id"]
    assert site.http.get(f"/bookings/{booking_id}").status_code == 200
    unknown, named = f"/bookings/trip-{0:020x}", int(booking_id[-12:], 16)
    assert site.http.get(f"{unknown}{int(time() * 1000):012x}").status_code == 404
    gone = site.http.get(f"{unknown}{named - DAYS_500:012x}")
    assert (gone.status_code, gone.json()["detail"]) == (
        410,
        "Bookings from that time are no longer kept.",
    )


def test_a_browser_gets_problems_as_pages(site: Service) -> None:
    answer = site.http.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>Not Found</h1>" in answer.text


def test_a_booking_that_takes_longer_than_the_wait_is_202(site: Service) -> None:
    answer = site.book(headers={"Prefer": "wait=0"}, hotel="a slow hotel")
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "1"
    booking = answer.json()
    assert booking["status"] == "running"
    assert answer.headers["Location"] == f"/bookings/{booking['booking_id']}"
    wait_until(lambda: site.status(booking["booking_id"]) == "booked")
    assert len(site.held(booking["booking_id"])) == 3
    assert site.http.get(answer.headers["Location"]).json()["user_id"] == booking["user_id"]


def test_the_form_leads_to_the_booking_s_page(site: Service) -> None:
    answer = site.http.post("/book", data=GOOD | {"attempts": "1", "email": ""})
    assert answer.status_code == 303
    wait_until(lambda: site.http.get(answer.headers["Location"]).json()["status"] == "booked")
    page = site.http.get(answer.headers["Location"], headers={"Accept": "text/html"})
    assert "Your trip is booked" in page.text
    assert "a hotel" in page.text
    assert f"/workflows/{answer.headers['Location'].rpartition('/')[2]}" in page.text


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong(site: Service) -> None:
    answer = site.http.post("/book", data=GOOD | {"car": "my car", "attempts": "11"})
    assert answer.status_code == 422
    assert 'value="my car"' in answer.text
    assert "Attempts: This must be at most 10." in answer.text
