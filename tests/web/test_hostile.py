"""Hostile requests: each is refused as documented, books nothing, and leaves the service well."""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import booleans, dictionaries, sampled_from, text

from tools.helpers.processes import wait_until
from tools.helpers.service import GOOD, Service
from web.requests import FORM_KEY

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODY = json.dumps(GOOD).encode()


@pytest.fixture(autouse=True)
def _nothing_comes_of_it(site: Service) -> Iterator[None]:
    before = len(site.held())
    yield
    wait_until(lambda: site.answers("/readyz"))
    assert len(site.held()) == before


def changed(**fields: Any) -> bytes:
    """A good body but for these fields."""
    return json.dumps(GOOD | fields).encode()


def refused(site: Service, status: int, content: Any, headers: Mapping[str, str] = JSON) -> None:
    answer = site.http.post("/book", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    if headers is not FORM or status != 422:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == status


@pytest.mark.parametrize("field", ["name", "car", "hotel", "flight"])
@pytest.mark.parametrize(
    "text",
    [
        "turned\u202eround",
        "\u2066isolated\u2069",
        "line\u2028separator",
        "escape\u001b[31m",
        "delete\u007f",
        "next line\u0085",
        "not a character\uffff",
        "replaced \ufffd",
        "\u200b\u200d\ufeff",
        "\u3000\u00a0",
    ],
)
def test_text_that_cannot_be_seen(site: Service, field: str, text: str) -> None:
    refused(site, 422, changed(**{field: text}))


@pytest.mark.parametrize(
    "number",
    ["1e400", "-0", "1e-400", "0x1", "1_0", "\u0661", "9" * 4000, "1.0000000000000002", "+1"],
)
def test_numbers_that_are_none(site: Service, number: str) -> None:
    bare = changed(attempts="?").replace(b'"?"', number.encode())
    answer = site.http.post("/book", content=bare, headers=JSON)
    assert answer.status_code in {400, 422}, answer.text
    refused(site, 422, changed(attempts=number))


@pytest.mark.parametrize(
    "value", [{"a": [{}] * 50}, [[]], -(10**30), 1e308, {"$ne": ""}, {"__proto__": {}}]
)
@pytest.mark.parametrize("field", ["name", "flight", "attempts", "email"])
def test_values_of_another_type(site: Service, field: str, value: Any) -> None:
    refused(site, 422, changed(**{field: value}))


@pytest.mark.parametrize("field", ["__proto__", "book_car_id", "owner", "", "n\u0430me", "NAME"])
def test_fields_that_there_are_not(site: Service, field: str) -> None:
    refused(site, 422, changed(**{field: "x"}))


@pytest.mark.parametrize("opened", [b'{"name":', b"[", b'{"name": [{"a":'])
def test_a_body_that_is_nested_deeply(site: Service, opened: bytes) -> None:
    refused(site, 400, opened * (16_000 // len(opened)))


def test_a_nested_body_that_is_whole(site: Service) -> None:
    refused(site, 422, b'{"name": %s}' % (b"[" * 500 + b"]" * 500))


@pytest.mark.parametrize(
    "body",
    [
        BODY.decode().encode("utf-16"),
        BODY.decode().encode("utf-32-le"),
        json.dumps(GOOD | {"name": "Zoë"}, ensure_ascii=False).encode("latin-1"),
        b"\xef\xbb\xbf" + BODY,
        BODY.replace(b"John", b"\xed\xa0\x80"),
        BODY.replace(b"John", b"\xc0\xaf"),
        BODY.replace(b"John", b"\xf5\x80\x80\x80"),
        BODY + BODY,
        BODY + b"\x00",
        BODY.replace(b"John", b"\x00"),
        BODY.replace(b"John", b"\\x41"),
        BODY.replace(b'"', b"'"),
        BODY[:-1],
        BODY[:-1] + b",}",
    ],
    ids=count(),
)
def test_bodies_in_other_encodings_or_not_whole(site: Service, body: bytes) -> None:
    refused(site, 400, body)


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff\\ud800", "\\ud83c"])
def test_halves_of_characters(site: Service, text: str) -> None:
    refused(site, 422, changed(car="?").replace(b"?", text.encode()))


@pytest.mark.parametrize("twice", ["car", "c\\u0061r"])
def test_a_field_named_twice(site: Service, twice: str) -> None:
    refused(site, 400, BODY[:-1] + f', "{twice}": "x"}}'.encode())


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json, application/json", 415),
        ("application/problem+json", 415),
        ("text/json", 415),
        ("application/xml", 415),
        ("application/x-www-form-urlencoded, application/json", 415),
        (";;;", 415),
        ("json", 415),
        ("multipart/form-data", 422),
        ("multipart/form-data; boundary=" + "b" * 300, 422),
        ("application/x-www-form-urlencoded; charset=utf-7", 422),
    ],
)
def test_content_types(site: Service, kind: str, status: int) -> None:
    answer = site.http.post("/book", content=BODY, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"&".join(b"field%d=x" % number for number in range(10_000)), 413),
        (b"&".join([b"a=b"] * 4_000), 400),
        (b"&" * 16_000, 422),
        (b"name=Z%EB&car=c&hotel=h&flight=f", 400),
        (b"name=Z\xeb&car=c&hotel=h&flight=f", 400),
        (b"name=Z%EF%BF%BD&car=c&hotel=h&flight=f", 422),
        (b"name=%00&car=c&hotel=h&flight=f", 422),
        (b"name=%u0041&car=c&hotel=h&flight=%E2%80%AE", 422),
        (b"name=J&car=c&hotel=h&flight=f&car=other", 400),
        (b"name=J&car=c&hotel=h&flight=f&attempts=1e1", 422),
        (b"name=J&car=c&hotel=h&flight=f&idempotency_key=two%20words", 400),
        (b"name[]=J&car=c&hotel=h&flight=f", 422),
    ],
    ids=count(),
)
def test_forms(site: Service, body: bytes, status: int) -> None:
    refused(site, status, body, FORM)


def test_a_form_s_key_may_be_a_header_and_must_be_one(site: Service) -> None:
    refused(site, 400, b"name=J&car=c&hotel=h&flight=f", FORM | {"Idempotency-Key": "two words"})


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    fields=dictionaries(sampled_from([*GOOD, "attempts", "email", FORM_KEY]) | text(), text()),
    left_out=sampled_from(sorted(GOOD)),
    parts=booleans(),
)
def test_forms_of_any_text(
    site: Service, fields: dict[str, str], left_out: str, parts: bool
) -> None:
    fields.pop(left_out, None)
    sent = {"files": {name: (None, value) for name, value in fields.items()}}
    answer = site.http.post("/book", **(sent if parts and fields else {"data": fields or {"": ""}}))
    assert answer.status_code in {400, 422}, answer.text


@pytest.mark.parametrize(
    ("data", "files", "status"),
    [
        (GOOD, {"upload": ("../../etc/passwd", b"x" * 20_000)}, 413),
        ({"name": "J"}, {"car": ("c", b"c"), "hotel": ("h", b"h"), "flight": ("f", b"f")}, 422),
        ({f"field{number}": "x" for number in range(120)}, {"name": ("n", b"n")}, 422),
    ],
    ids=count(),
)
def test_forms_with_files(site: Service, data: Any, files: Any, status: int) -> None:
    answer = site.http.post("/book", data=data, files=files)
    assert answer.status_code == status, answer.text
