"""`Idempotency-Key`: the same key and body is the same trip, and never a second one."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tools.helpers.processes import wait_until
from tools.helpers.service import GOOD, Service

NOW = {"Prefer": "wait=0"}


def fresh() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def test_the_same_key_and_body_is_the_same_booking(site: Service) -> None:
    key = fresh()
    first, again = site.book(key), site.book(key)
    assert first.status_code == again.status_code == 200
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(site.held(first.json()["booking_id"])) == 3


def test_a_booking_that_runs_is_joined(site: Service) -> None:
    key = fresh()
    first = site.book(key | NOW, hotel="a slow hotel")
    assert first.status_code == 202
    joined = site.book(key, hotel="a slow hotel")
    assert joined.status_code == 200
    assert joined.headers["Idempotent-Replayed"] == "true"
    assert joined.json()["booking_id"] == first.json()["booking_id"]


def test_the_same_key_with_another_body_is_refused(site: Service) -> None:
    key = fresh()
    first = site.book(key).json()
    other = site.book(key, hotel="another hotel")
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    assert [held.item for held in site.held(first["booking_id"])] == [
        "a car",
        "a hotel",
        "a flight",
    ]


def test_what_is_left_out_is_the_same_as_its_default(site: Service) -> None:
    key = fresh()
    first, again = site.book(key), site.book(key, attempts="1")
    assert again.json()["booking_id"] == first.json()["booking_id"]


def test_fifty_retries_at_once_make_one_trip(site: Service) -> None:
    key = fresh()
    before = len(site.held())
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: site.book(key), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["booking_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 49
    assert len(site.held()) == before + 3


def test_a_key_may_be_bare_or_quoted(site: Service) -> None:
    key = uuid4().hex
    bare = site.book({"Idempotency-Key": key}).json()
    quoted = site.book({"Idempotency-Key": f'"{key}"'}).json()
    assert bare["booking_id"] == quoted["booking_id"]


@pytest.mark.parametrize(
    "key", [b"", b'""', b"x" * 256, b"two words", b"tab\there", "ключ".encode()]
)
def test_a_key_that_is_no_key_is_400(site: Service, key: bytes) -> None:
    before = len(site.held())
    answer = site.http.post("/book", json=GOOD, headers=[(b"Idempotency-Key", key)])
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert len(site.held()) == before


def test_a_refused_request_does_not_use_its_key_up(site: Service) -> None:
    key = fresh()
    assert site.book(key, attempts=0).status_code == 422
    answer = site.book(key)
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers


def test_a_replay_tells_of_a_trip_that_was_cancelled_since(site: Service) -> None:
    key = fresh()
    booking_id = site.book(key).json()["booking_id"]
    site.http.post(f"/bookings/{booking_id}/cancel")
    assert site.book(key).json()["cancelled"] is True


def test_a_form_that_is_sent_twice_books_once(site: Service) -> None:
    form = GOOD | {"idempotency_key": uuid4().hex}
    first, again = site.http.post("/book", data=form), site.http.post("/book", data=form)
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    booking_id = first.headers["Location"].rpartition("/")[2]
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3


def test_a_form_that_is_changed_and_sent_again_asks_first(site: Service) -> None:
    form = GOOD | {"idempotency_key": uuid4().hex}
    site.http.post("/book", data=form)
    again = site.http.post("/book", data=form | {"hotel": "another hotel"})
    assert again.status_code == 422
    assert "This form was sent before" in again.text
    assert form["idempotency_key"] not in again.text
