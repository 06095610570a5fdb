"""What the service says over HTTP, to clients that keep to the contract and to any others."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from suppliers.exchange import Access
from suppliers.http import HttpSupplier
from suppliers.service import create_service
from suppliers.sql import SqlSupplier
from suppliers.sql_engine import make_engine
from suppliers.sql_schema import ledger
from tests.suppliers.shops import ITEM, KEY, Serve

PATH = f"/reservations/{KEY}"
ORDER = {"item": ITEM, "traveller": "Ada"}


@pytest.fixture
def http(books: SqlSupplier, serve: Serve) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=serve(create_service(books))) as http:
        yield http


def assert_problem(response: httpx2.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["title"]
    assert response.json()["detail"]
    assert "Traceback" not in response.text


def test_a_reservation_from_first_to_last(http: httpx2.Client) -> None:
    assert_problem(http.get(PATH), 404)
    assert http.put(PATH, json=ORDER).status_code == 201
    assert http.put(PATH, json=ORDER).status_code == 200

    booked = http.get(PATH).json()
    assert booked.pop("since")
    assert booked == {"key": KEY, "state": "booked", **ORDER}

    assert http.delete(PATH).status_code == 204
    assert http.delete(PATH).status_code == 204
    assert http.get(PATH).json()["state"] == "released"
    assert_problem(http.put(PATH, json=ORDER), 410)


def test_a_name_can_only_be_changed_to_nothing(http: httpx2.Client) -> None:
    http.put(PATH, json=ORDER)
    bodies: list[Any] = [{}, {"traveller": "Bob"}, {"traveller": "", "item": "x"}, []]
    for body in bodies:
        assert_problem(http.patch(PATH, json=body), 422)
    assert http.get(PATH).json()["traveller"] == "Ada"
    assert http.patch(PATH, json={"traveller": ""}).status_code == 204
    assert (http.get(PATH).json()["state"], http.get(PATH).json()["traveller"]) == ("booked", "")


def test_without_tokens_it_goes_only_by_this_machine_s_names(
    http: httpx2.Client, books: SqlSupplier, serve: Serve
) -> None:
    """A web page can make a name of its own lead to this machine, and then send what it likes."""
    elsewhere = {"Host": "evil.example:8800", "Origin": "http://evil.example:8800"}
    assert_problem(http.put(PATH, json=ORDER, headers=elsewhere), 421)
    assert books.held() == []
    assert http.put(PATH, json=ORDER, headers={"Host": "localhost:8800"}).status_code == 201
    assert_problem(http.delete(PATH, headers=elsewhere), 421)
    assert len(books.held()) == 1

    token = "a-token-that-is-long"  # noqa: S105
    with httpx2.Client(base_url=serve(create_service(books, [token].__contains__))) as known:
        sent = elsewhere | {"Authorization": f"Bearer {token}"}
        assert known.delete(PATH, headers=sent).status_code == 204


def test_sold_out_says_so(http: httpx2.Client, books: SqlSupplier) -> None:
    books.set_stock(ITEM, 0)
    response = http.put(PATH, json=ORDER)

    assert_problem(response, 409)
    assert response.json()["detail"] == 'Flight "Alaska Airlines 123" is sold out.'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"\xff\xfe\xfd",
        b"[" * 16_000,
        b'{"item": ' + b"9" * 5_000 + b"}",
        b'{"item": "x"}',
        b'{"item": "x", "traveller": null}',
        b'{"item": 1, "traveller": "y"}',
        b'{"item": ["x"], "traveller": "y"}',
        b'{"item": "", "traveller": "y"}',
        b'{"item": "x", "traveller": ""}',
        b'{"item": "x", "traveller": "\\u0000"}',
        b'{"item": "\\ud83d", "traveller": "y"}',
        json.dumps({"item": "x" * 201, "traveller": "y"}).encode(),
    ],
    ids=range(18),
)
def test_a_hostile_body_is_invalid_and_changes_nothing(
    http: httpx2.Client, books: SqlSupplier, body: bytes
) -> None:
    assert_problem(http.put(PATH, content=body), 422)
    assert books.find(KEY) is None
    assert books.stock() == []


def test_a_body_that_is_too_large_is_not_read(http: httpx2.Client) -> None:
    assert_problem(http.put(PATH, content=b" " * 20_000), 413)


@pytest.mark.parametrize("path", ["/", "/reservations", "/reservations/", "/static/x"])
def test_any_other_path_is_not_found(http: httpx2.Client, path: str) -> None:
    assert_problem(http.get(path), 404)


def test_any_other_method_is_not_allowed(http: httpx2.Client) -> None:
    response = http.post(PATH, json=ORDER)

    assert_problem(response, 405)
    assert "PUT" in response.headers["Allow"]


def test_a_database_that_is_away_is_said_to_be_so(serve: Serve) -> None:
    with (
        closing(SqlSupplier("postgresql://127.0.0.1:1/none", "flight")) as away,
        httpx2.Client(base_url=serve(create_service(away))) as http,
    ):
        for response in (http.put(PATH, json=ORDER), http.delete(PATH), http.get(PATH)):
            assert_problem(response, 503)
            assert response.headers["Retry-After"] == "1"


def test_an_error_that_nobody_expected_shows_no_details(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a file where the folder should be")
    with (
        closing(SqlSupplier(f"sqlite:///{tmp_path}/secret/flight.db", "flight")) as broken,
        httpx2.Client(base_url=serve(create_service(broken))) as http,
    ):
        response = http.put(PATH, json=ORDER)

    assert_problem(response, 500)
    assert "secret" not in response.text


@pytest.mark.parametrize("token", ["old-token", "new-token"])
def test_a_client_with_one_of_the_tokens_is_served(
    books: SqlSupplier, serve: Serve, token: str
) -> None:
    url = serve(create_service(books, ["old-token", "new-token"].__contains__))
    with closing(HttpSupplier(url, "flight", Access(token))) as client:
        client.reserve(KEY, ITEM, "Ada")
    assert [held.key for held in books.held()] == [KEY]


@pytest.mark.parametrize("token", ["", "wrong", "old-toke"])
def test_any_other_client_is_refused(books: SqlSupplier, serve: Serve, token: str) -> None:
    url = serve(create_service(books, ["old-token"].__contains__))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for method in ("PUT", "DELETE", "GET"):
        answer = httpx2.request(method, url + PATH, headers=headers)
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    with (
        closing(HttpSupplier(url, "flight", Access("wrong"))) as client,
        pytest.raises(RuntimeError),
    ):
        client.reserve(KEY, ITEM, "Ada")
    assert books.held() == []


def test_health_needs_no_token(books: SqlSupplier, serve: Serve) -> None:
    url = serve(create_service(books, ["old-token"].__contains__))
    assert httpx2.get(f"{url}/healthz").status_code == 200
    assert httpx2.delete(f"{url}/healthz").status_code == 405
    assert httpx2.get(f"{url}/healthz/").status_code == 401


@pytest.mark.parametrize(
    "note", [{"json": {"settled": "by Ann"}}, {"params": {"settled": "by Ann"}}]
)
def test_a_note_is_read_from_the_body_or_as_older_clients_send_it(
    http: httpx2.Client, books: SqlSupplier, database: str, note: dict[str, Any]
) -> None:
    assert http.request("DELETE", PATH, **note).status_code == 204
    engine = make_engine(database)
    with engine.connect() as db:
        notes = db.scalars(select(ledger.c.note).where(ledger.c.event == "settled")).all()
    engine.dispose()
    assert notes == ["by Ann"]


def test_a_note_of_any_length_settles(books: SqlSupplier, serve: Serve) -> None:
    with closing(HttpSupplier(serve(create_service(books)), "flight")) as client:
        client.settle(KEY, "🛫" * 60_000)
    found = books.find(KEY)
    assert found is not None
    assert found.state == "released"
