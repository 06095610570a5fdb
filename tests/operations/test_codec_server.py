"""The codec server: who may use it, and what it answers."""

import asyncio
from base64 import b64encode

import pytest
from flask.testing import FlaskClient
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload, Payloads

from bookings.codec import Codec
from operations.codec import create_codec
from runtime.http_server import HOLD_BACK

TOKEN = "staff-staff-staff-staff"  # noqa: S105
UI = "https://temporal.example.com"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BASIC = {"Authorization": "Basic " + b64encode(f"ann:{TOKEN}".encode()).decode()}
CLEAR = Payload(metadata={"encoding": b"json/plain"}, data=b'"Ada"')


def as_json(*payloads: Payload) -> dict[str, object]:
    return MessageToDict(Payloads(payloads=payloads))


@pytest.fixture
def held_back() -> list[float]:
    """For how many seconds each answer was held back."""
    return []


@pytest.fixture
def staff(held_back: list[float]) -> FlaskClient:
    known = {TOKEN: "ann"}
    app = create_codec(Codec({"k": b"k" * 32}), lambda token: known.get(token, ""), f"{UI}/home")
    client = app.test_client()
    client.environ_base[HOLD_BACK] = held_back.append  # type: ignore[assignment]  # it is typed for texts only
    return client


@pytest.mark.parametrize("headers", [BEARER, BASIC])
def test_staff_get_clear_text_back(staff: FlaskClient, headers: dict[str, str]) -> None:
    hidden = staff.post("/encode", json=as_json(CLEAR), headers=headers | {"Origin": UI}).json
    assert hidden != as_json(CLEAR)
    answer = staff.post("/decode", json=hidden, headers=headers | {"Origin": UI})
    assert (answer.status_code, answer.json) == (200, as_json(CLEAR))
    assert answer.headers["Access-Control-Allow-Origin"] == UI
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer a-client-s-own-token"}, 401),
        (BEARER | {"Origin": "https://elsewhere.example.com"}, 403),
        (BEARER | {"Origin": "null"}, 403),
    ],
)
def test_nobody_else_does(staff: FlaskClient, headers: dict[str, str], status: int) -> None:
    answer = staff.post("/decode", json=as_json(CLEAR), headers=headers)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == UI
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_a_guesser_waits_longer_and_longer(staff: FlaskClient, held_back: list[float]) -> None:
    for number in range(5):
        headers = {"Authorization": f"Bearer guess-{number}"}
        assert staff.post("/decode", json=as_json(CLEAR), headers=headers).status_code == 401
    assert held_back == sorted(held_back)
    assert held_back[-1] > 1
    assert staff.post("/encode", json=as_json(CLEAR), headers=BEARER).status_code == 200
    assert staff.get("/").status_code == 401
    assert len(held_back) == 5


def test_a_browser_may_ask_first_without_a_token(staff: FlaskClient) -> None:
    answer = staff.options("/decode", headers={"Origin": UI})
    assert answer.status_code == 204
    assert (
        answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type,x-namespace"
    )
    assert staff.options("/decode", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_missing_key_and_a_wrong_body_are_told(staff: FlaskClient) -> None:
    unknown = asyncio.run(Codec({"lost": b"l" * 32}).encode([CLEAR]))
    answer = staff.post("/decode", json=as_json(*unknown), headers=BEARER)
    assert (answer.status_code, "'lost' is missing" in answer.text) == (422, True)
    assert staff.post("/decode", json={"payloads": 1}, headers=BEARER).status_code == 400
    assert staff.post("/decode", json=[1], headers=BEARER).status_code == 400
    assert staff.post("/decode", data="x", headers=BEARER).status_code == 415
