"""Finding a booking: by any word of the name, by e-mail, item and id, and nobody else's."""

from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from shared import BOOK_WORKFLOW, BOOKING_STATUS, OWNER, TRAVELLER, TRIP_MEMO, BookVacationInput
from tools.helpers.processes import wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


def found(site: Service, text: str) -> list[str]:
    answer = site.http.get("/bookings", params={"traveller": text})
    assert answer.status_code == 200, answer.text
    return [row["booking_id"] for row in answer.json()["bookings"]]


def finds(site: Service, text: str, booking_id: str) -> None:
    """Wait until a search shows this booking: lists lag behind for a moment."""
    wait_until(lambda: booking_id in found(site, text))


@pytest.fixture(scope="module")
def others(site: Service) -> list[str]:
    """Bookings that a search without a limit would show."""
    return [site.book(name=name).json()["booking_id"] for name in ("John Doe", "王芳")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Zoë Müller", "muller"),
        ("Zoë Müller", "MÜLLER zoe"),
        ("Rory O'Connor", "o'connor"),
        ("Søren Łukasz", "soren"),
        ("Søren Łukasz", "lukasz"),
        ("Straße", "strasse"),
        ("李雷", "李雷"),
        ("李雷", "雷"),
        ("Фёдор Достоевский", "федор"),
        ("Фёдор Достоевский", "ДОСТОЕВСКИЙ"),
        ("محمد علي", "علي"),
        ("राम कुमार", "कुमार"),
        ("がく", "がく"),
        ("김철수", "김철수"),
        ("Ana María de la Cruz", "cruz"),
        ("Ana María de la Cruz", "ana cruz"),
    ],
)
def test_by_any_word_of_the_name(site: Service, others: list[str], name: str, text: str) -> None:
    mark = uuid4().hex[:12]
    booking_id = site.book(name=f"{name} {mark}").json()["booking_id"]
    finds(site, f"{text} {mark}", booking_id)
    assert found(site, f"{text} {mark}") == [booking_id]
    assert booking_id in found(site, text)
    assert not set(others) & set(found(site, text))


@pytest.mark.parametrize("text", ["李雷雷李磊", "%", "'", "♡", "_", "...", "\u0301", "nobody"])
def test_nobody_where_nobody_matches(site: Service, others: list[str], text: str) -> None:
    for booking_id in others:
        finds(site, booking_id, booking_id)
    assert found(site, text) == []
    counts = site.http.get("/bookings", params={"traveller": text}).json()["counts"]
    assert set(counts.values()) == {0}


def test_by_email_item_and_ids(site: Service) -> None:
    mark = uuid4().hex[:12]
    booked = site.book(
        name="Jane Smith",
        email=f"jane.{mark}@example.com",
        hotel=f"Grand Hotel {mark}x",
        flight=f"Flight-{mark}y",
    ).json()
    booking_id, user_id = booked["booking_id"], booked["user_id"]
    texts = [
        f"JANE.{mark}@example.com",
        f"{mark}x",
        f"smith grand hotel {mark}x",
        f"flight-{mark}y",
        booking_id,
        booking_id[:12],
        booking_id.removeprefix("trip-")[:10],
        booking_id.removeprefix("trip-")[:10].upper(),
        user_id,
        f"smith {user_id[-6:]}",
    ]
    for text in texts:
        finds(site, text, booking_id)
    assert found(site, f"john {mark}x") == []


def test_by_the_beginning_of_the_name(site: Service) -> None:
    mark = uuid4().hex[:12]
    booking_id = site.book(name=f"Jo{mark} Doe").json()["booking_id"]
    finds(site, f"jo{mark[:6]}", booking_id)


def test_a_cancelled_trip_is_found_once(site: Service) -> None:
    mark = uuid4().hex[:12]
    booking_id = site.book(name=f"王 {mark}").json()["booking_id"]
    site.http.post(f"/bookings/{booking_id}/cancel")
    wait_until(lambda: found(site, f"王 {mark}") == [booking_id])
    wait_until(lambda: found(site, booking_id[:20]) == [booking_id])


def test_the_longest_names_and_items_can_be_booked_and_found(site: Service) -> None:
    mark = uuid4().hex[:12]
    name = "".join(chr(0x4E00 + number) for number in range(87)) + f" {mark}"
    items: dict[str, Any] = {
        leg: "".join(chr(0x5000 + 200 * number + it) for it in range(200))
        for number, leg in enumerate(["car", "hotel", "flight"])
    }
    booked = site.book(name=name, email=f"{'x' * 60}@{'y' * 60}.{'z' * 60}.com", **items)
    assert booked.status_code == 200, booked.text
    assert booked.json()["cancelled"] is False
    assert booked.json()["name"] == name
    finds(site, name, booked.json()["booking_id"])
    finds(site, mark, booked.json()["booking_id"])


def test_the_name_is_in_every_answer(site: Service) -> None:
    name = f"Zoë Müller-{'Lüdenscheidt ' * 6}{uuid4().hex[:8]}"
    booked = site.book(name=name).json()
    assert booked["name"] == name
    assert site.http.get(booked["url"]).json()["name"] == name
    wait_until(lambda: found(site, name))
    [row] = site.http.get("/bookings", params={"traveller": name}).json()["bookings"]
    assert (row["name"], row["user_id"]) == (name, booked["user_id"])
    html = {"Accept": "text/html"}
    page = site.http.get(booked["url"], headers=html).text
    assert f"<title>{name}: Your trip is booked" in page
    assert f"<dd>{name}</dd>" in page
    listed = site.http.get("/bookings", params={"traveller": name}, headers=html).text
    assert f">{name}</a>" in listed


async def test_a_booking_of_an_older_version_is_listed_and_found(
    site: Service, client: Client
) -> None:
    """It has no words to search, and no name but the one in its user id."""
    mark, booking_id = uuid4().hex[:12], f"trip-{uuid4().hex}"
    trip = BookVacationInput(
        book_user_id=f"old{mark}-timer-123456",
        book_car_id="a car",
        book_hotel_id="a hotel",
        book_flight_id="a flight",
    )
    pairs = [
        SearchAttributePair(BOOKING_STATUS, "running"),
        SearchAttributePair(TRAVELLER, trip.book_user_id),
        SearchAttributePair(OWNER, ""),
    ]
    await client.start_workflow(
        BOOK_WORKFLOW,
        trip,
        id=booking_id,
        task_queue="nobody",
        memo={TRIP_MEMO: trip},
        search_attributes=TypedSearchAttributes(pairs),
    )
    for text in (f"Old{mark} Timer", trip.book_user_id, booking_id, booking_id[:15]):
        finds(site, text, booking_id)
    rows = site.http.get("/bookings", params={"traveller": booking_id}).json()["bookings"]
    assert [row["name"] for row in rows] == [trip.book_user_id]
    assert site.http.get(f"/bookings/{booking_id}").json()["name"] == trip.book_user_id
