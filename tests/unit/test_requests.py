"""What a request asks for: how long to wait, under which key, on which page."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from werkzeug.exceptions import BadRequest

from bookings.cursors import cursor_of, token_of
from bookings.errors import BadCursor
from bookings.names import booking_id_for, named_at, new_key, slug, user_id
from web.requests import from_json, idempotency_key, wait_seconds


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 30),
        ("", 30),
        ("wait=10", 10),
        ('wait="10"', 10),
        ("respond-async, wait=5", 5),
        ("WAIT = 5; x=1", 5),
        ("wait=0", 0),
        ("wait=600", 30),
        ("return=minimal", 30),
    ],
)
def test_how_long_to_wait(prefer: str | None, seconds: float) -> None:
    assert wait_seconds(prefer, 30) == seconds


@pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=-1", "wait=1.5", "wait=1e3", "wait=٣"])
def test_a_wait_that_is_no_number_of_seconds(prefer: str) -> None:
    with pytest.raises(BadRequest):
        wait_seconds(prefer, 30)


@pytest.mark.parametrize(
    ("header", "key"), [(None, None), ("abc", "abc"), ('"abc"', "abc"), ("a" * 255, "a" * 255)]
)
def test_an_idempotency_key(header: str | None, key: str | None) -> None:
    assert idempotency_key(header) == key


@pytest.mark.parametrize("header", ["", '"', '""', "a b", "ä", "a" * 256, '"abc'])
def test_what_is_no_idempotency_key(header: str) -> None:
    with pytest.raises(BadRequest):
        idempotency_key(header)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"name": "A", "name": "B"}', b'{"a": NaN}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_not_readable(body: bytes) -> None:
    with pytest.raises(BadRequest):
        from_json(body)


def test_a_cursor_leads_back_to_its_token_and_only_on_its_list() -> None:
    cursor = cursor_of(b"token", "a list")
    assert token_of(cursor, "a list") == b"token"
    for wrong, query in [(cursor, "another list"), ("", "a list"), ("ä", "a list"), ("AAAA", "")]:
        with pytest.raises(BadCursor):
            token_of(wrong, query)


def test_a_booking_s_id_is_the_client_s_and_the_key_s() -> None:
    assert booking_id_for("acme", "1") == booking_id_for("acme", "1")
    others = {
        booking_id_for("beta", "1"),
        booking_id_for("acme", "2"),
        booking_id_for("acme", new_key()),
        booking_id_for("acme", new_key()),
    }
    assert len(others | {booking_id_for("acme", "1")}) == 5


def test_a_booking_s_id_says_from_when_it_is_if_its_key_does() -> None:
    before = datetime.now(UTC)
    at = named_at(booking_id_for("acme", new_key()))
    assert at
    assert before - timedelta(seconds=1) < at <= datetime.now(UTC)
    made_on_the_standard_s_day = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"  # the RFC's example
    assert named_at(booking_id_for("acme", made_on_the_standard_s_day)) is None  # before us
    keys = [str(uuid4()) for _ in range(1000)]
    assert sum(named_at(booking_id_for("acme", key)) is not None for key in keys) < 10


@pytest.mark.parametrize(
    ("name", "words"),
    [("John Doe", "john-doe"), ("  Zoë  O'Neil ", "zoe-o-neil"), ("李雷", ""), ("%", "")],
)
def test_a_slug(name: str, words: str) -> None:
    assert slug(name) == words


@pytest.mark.parametrize("name", ["李雷", "123", "%"])
def test_a_name_without_letters_is_a_traveller(name: str) -> None:
    assert user_id(name, f"trip-{'0' * 32}") == "traveller-100000"
