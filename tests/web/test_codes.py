"""What programs compare: the type of every problem, the code of every field and of every leg."""

import re
from typing import Any

import pytest

from tools.helpers.service import GOOD, Service

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NOTHING = "/bookings/trip-" + "0" * 32
FORGOTTEN = "/bookings/trip-0123456789abcdef0123018d00000000"
"""Of January 2024, and no server's retention is that long here."""
TOO_MANY = "request-header-fields-too-large"


@pytest.mark.parametrize(
    ("method", "path", "sent", "kind"),
    [
        ("POST", "/book", {"content": b"{", "headers": JSON}, "unreadable"),
        ("POST", "/book", {"content": b"name=%ff", "headers": FORM}, "not-utf8"),
        ("POST", "/book", {"content": b"car=a&car=b", "headers": FORM}, "field-twice"),
        ("POST", "/book", {"content": b"a", "headers": {}}, "not-json"),
        ("POST", "/book", {"content": b" " * 20_000, "headers": JSON}, "request-entity-too-large"),
        ("POST", "/book", {"json": {}}, "invalid-request"),
        ("POST", "/book", {"json": GOOD, "headers": {"Idempotency-Key": "a b"}}, "bad-key"),
        ("POST", "/book", {"json": GOOD, "headers": {"Prefer": "wait=x"}}, "bad-wait"),
        ("POST", "/book", {"json": GOOD, "headers": {"Origin": "https://e.example"}}, "other-site"),
        ("GET", "/book", {}, "method-not-allowed"),
        ("GET", "/nothing", {}, "not-found"),
        ("GET", "/", {"headers": {"Host": "e.example"}}, "other-host"),
        ("GET", NOTHING, {}, "no-such-booking"),
        ("GET", FORGOTTEN, {}, "no-longer-kept"),
        ("POST", FORGOTTEN + "/cancel", {}, "no-longer-kept"),
        ("GET", "/bookings?cursor=x", {}, "bad-cursor"),
        ("GET", "/", {"headers": {f"X-{n}": "" for n in range(200)}}, TOO_MANY),
    ],
)
def test_every_problem_has_its_own_type(
    site: Service, method: str, path: str, sent: dict[str, Any], kind: str
) -> None:
    problem = site.http.request(method, path, **sent).json()
    assert problem["type"] == f"/docs#{kind}"
    page = site.http.get("/docs").text
    assert f'id="{kind}"' in page


def test_a_key_that_was_used_has_a_type(site: Service) -> None:
    key = {"Idempotency-Key": "used-twice"}
    site.book(key)
    assert site.book(key, car="another").json()["type"] == "/docs#key-used"


def test_types_are_named_in_the_description_and_explained_on_its_page(site: Service) -> None:
    """These names are in the programs of clients: none may change."""
    described = site.http.get("/openapi.json").text
    page = site.http.get("/docs").text
    types = set(re.findall(r'"/docs#([\w-]+)"', described))
    assert types == {
        "bad-cursor",
        "bad-key",
        "bad-wait",
        "invalid-request",
        "key-used",
        "no-longer-kept",
        "no-place",
        "no-such-booking",
        "not-json",
        "not-searchable",
        "other-site",
        "overloaded",
        "request-entity-too-large",
        "stopped",
        "temporal-away",
        "too-fast",
        "too-many-mails",
        "too-many-open",
        "too-many-waiting",
        "unidentified",
        "unreadable",
    }
    assert all(f'id="{name}"' in page for name in types)


def test_a_refusal_has_a_code_and_two_texts(site: Service) -> None:
    """The documented text of the contract is for programs of old, and travellers read another."""
    answer = site.book(hotel="an invalid hotel").json()
    assert (answer["code"], answer["reason"]) == (
        "declined",
        "Invalid hotel booking, rolling back!",
    )
    assert [leg.get("code") for leg in answer["legs"]] == ["declined", "declined", None]
    page = site.http.get(answer["url"], headers={"Accept": "text/html"}).text
    assert "The hotel declined this booking." in page
    assert "rolling back" not in page
    assert "code" not in site.book().json()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"name": None}, "not_text", "This must be text."),
        ({"name": ""}, "empty", "This must not be empty."),
        ({"name": "   "}, "not_visible", "This must be visible text, without control characters."),
        ({"name": "x" * 101}, "too_long", "This must have at most 100 characters."),
        ({"attempts": 0}, "out_of_range", "This must be at least 1."),
        ({"attempts": 11}, "out_of_range", "This must be at most 10."),
        ({"attempts": "two"}, "not_a_whole_number", "This must be a whole number."),
        ({"attempts": 1.5}, "not_a_whole_number", "This must be a whole number."),
        (
            {"email": "nobody"},
            "not_an_address",
            "This must be an e-mail address, such as jane@example.com.",
        ),
        ({"seats": 2}, "unknown_field", "There is no such field."),
    ],
)
def test_a_field_s_error_is_in_our_words(
    site: Service, changes: dict[str, Any], code: str, words: str
) -> None:
    [error] = site.book(**changes).json()["errors"]
    assert error == {"pointer": f"/{next(iter(changes))}", "code": code, "detail": words}


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"name": "J", "car": "c", "hotel": "h"}, "missing", "This field is required."),
        ([], "not_an_object", "This must be a JSON object."),
    ],
)
def test_what_is_missing_is_in_our_words(site: Service, body: Any, code: str, words: str) -> None:
    [error] = site.http.post("/book", json=body).json()["errors"]
    assert (error["code"], error["detail"]) == (code, words)


def test_a_query_s_error_is_in_our_words(site: Service) -> None:
    [error] = site.http.get("/bookings?status=lost").json()["errors"]
    assert error["code"] == "unknown_value"
    assert error["detail"].startswith("This must be one of 'running', 'undoing',")
