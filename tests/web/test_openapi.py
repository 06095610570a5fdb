"""`/openapi.json` and `/docs`: the description is whole, true, and can be read."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from run_workflow import create_app
from settings import Settings
from shared import Leg
from tools.helpers.processes import ROOT
from tools.helpers.service import GOOD, Service, service
from tools.helpers.temporal_server import temporal_server

TOKEN = "a-token-for-tests"  # noqa: S105
JSON = {"Content-Type": "application/json"}
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES")
"""How many cases of an operation to try, at random; without it the same few each time."""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a client, that never waits long for a booking."""
    folder = tmp_path_factory.mktemp("impatient")
    variables = {"API_TOKENS": f"tests:{TOKEN}", "BOOK_WAIT_SECONDS": "0.3", "UNDO_PATIENCE": "1"}
    with temporal_server() as port, service(folder, port, **variables) as site:
        site.start_worker()
        site.start_web()
        yield site


@pytest.fixture(scope="module")
def described(site: Service) -> Any:
    """The description as it is served."""
    answer = site.http.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_it_is_openapi_3_1(described: Any) -> None:
    assert described["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(described).validate()


def test_it_describes_every_route_but_the_pages(described: Any) -> None:
    app = create_app(Settings())
    try:
        routes = {
            (re.sub("<(.*?)>", r"{\1}", rule.rule), method.lower())
            for rule in app.url_map.iter_rules()
            if rule.endpoint != "static" and rule.endpoint.partition(".")[0] != "desk"
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
    finally:
        app.close()
    assert routes - {(path, "get") for path in ("/", "/try", "/docs", "/openapi.json")} == {
        (path, method) for path, methods in described["paths"].items() for method in methods
    }


def test_its_examples_are_accepted(site: Service, described: Any) -> None:
    body = described["paths"]["/book"]["post"]["requestBody"]["content"]
    for example in body["application/json"]["examples"].values():
        answer = site.http.post("/book", json=example["value"])
        assert answer.status_code == 200
        assert answer.json()["cancelled"] is False
        form = site.http.post("/book", data=example["value"])
        assert form.status_code == 303


def test_its_answers_are_those_of_the_service(site: Service, described: Any) -> None:
    book = described["paths"]["/book"]["post"]
    requests = examples_of(book["requestBody"])
    booked = site.http.post("/book", json=requests["booked"])
    read = site.http.get(booked.json()["url"])
    cancelled = site.http.post(f"{booked.json()['url']}/cancel")
    with sold_out(site, Leg.HOTEL, requests["booked"]["hotel"]):
        refused = site.http.post("/book", json=requests["booked"])
    found = {
        ("/book", "post", "booked"): booked,
        ("/book", "post", "cancelled"): refused,
        ("/bookings/{booking_id}", "get", "booked"): read,
        ("/bookings/{booking_id}/cancel", "post", "cancelled"): cancelled,
    }
    for (path, method, name), answer in found.items():
        shown = examples_of(described["paths"][path][method]["responses"]["200"])
        assert lasting(answer.json()) == lasting(shown[name])


def test_its_examples_are_of_their_schemas(described: Any) -> None:
    shown = 0
    for methods in described["paths"].values():
        for operation in methods.values():
            for part in (operation.get("requestBody", {}), *operation["responses"].values()):
                for body in part.get("content", {}).values():
                    schema = body["schema"] | {"components": described["components"]}
                    for example in body.get("examples", {}).values():
                        jsonschema_rs.validate(schema, example["value"])
                        shown += 1
    assert shown > 6


NOT_JSON = {"content": "a trip", "headers": {"Content-Type": "text/plain"}}


@pytest.mark.parametrize(
    ("method", "path", "status", "request_"),
    [
        ("post", "/book", 400, {"json": GOOD, "headers": {"Idempotency-Key": "two words"}}),
        ("post", "/book", 400, {"json": GOOD, "headers": {"Prefer": "wait=long"}}),
        ("post", "/book", 403, {"json": GOOD, "headers": {"Origin": "https://elsewhere.com"}}),
        ("post", "/book", 413, {"content": b" " * 20_000, "headers": JSON}),
        ("post", "/book", 415, NOT_JSON),
        ("post", "/book", 422, {"json": {}}),
        ("get", "/bookings", 400, {"params": {"cursor": "of another list"}}),
        ("get", "/bookings", 422, {"params": {"status": "lost"}}),
        ("get", "/bookings/{booking_id}", 404, {}),
        ("post", "/bookings/{booking_id}/cancel", 404, {}),
    ],
)
def test_its_problems_are_those_of_the_service(
    site: Service, described: Any, method: str, path: str, status: int, request_: dict[str, Any]
) -> None:
    answer = site.http.request(method, path.format(booking_id="trip-" + "0" * 32), **request_)
    assert answer.status_code == status
    shown = described["paths"][path][method]["responses"][str(status)]
    assert answer.json()["detail"] in shown["description"].split("\n\n")
    content = shown["content"][answer.headers["Content-Type"]]
    assert answer.json()["type"] in content["schema"]["properties"]["type"]["enum"]


@contextmanager
def sold_out(site: Service, leg: Leg, item: str) -> Iterator[None]:
    """Let none be left of an item."""
    [taken] = [known.taken for known in site.suppliers[leg].stock() if known.item == item]
    site.suppliers[leg].set_stock(item, taken)
    yield
    site.suppliers[leg].set_stock(item, None)


def examples_of(part: Any) -> dict[str, Any]:
    """The examples of a request or an answer, by their names."""
    shown = part["content"]["application/json"]["examples"]
    return {name: example["value"] for name, example in shown.items()}


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """What is the same in the answers about all trips like this one."""
    own = {"booking_id", "user_id", "url", "started_at", "ended_at"}
    return {name: None if name in own else value for name, value in answer.items()}


def test_it_asks_for_a_token_where_tokens_are_on(impatient: Service, described: Any) -> None:
    assert impatient.http.get("/openapi.json").status_code == 401
    assert impatient.http.get("/docs").status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    guarded = impatient.http.get("/openapi.json", headers=headers).json()
    assert guarded["security"] == [{"bearer": []}, {"basic": []}]
    assert described["security"] == [{}, *guarded["security"]]


def test_the_page_shows_every_operation_and_schema(site: Service, described: Any) -> None:
    page = site.http.get("/docs").text
    for methods in described["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
            assert all(f">{status}</span>" in page for status in operation["responses"])
    for name in described["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert f"curl {site.url}/book" in page
    assert not re.search(r"<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=|//cdn", page)


def test_the_page_s_commands_can_be_pasted(site: Service, described: Any) -> None:
    page = site.http.get("/docs").text
    commands = re.findall('<div class="command"><pre><code>(.*?)</code>', page, re.DOTALL)
    assert len(commands) == sum(map(len, described["paths"].values()))
    for command in commands:
        shown = f"{html.unescape(command)} --silent --output /dev/null --write-out '%{{http_code}}'"
        run = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, timeout=60)
        assert run.stdout == ("404" if "/bookings/trip-" in command else "200"), shown


@pytest.mark.long
def test_schemathesis_finds_no_failure(impatient: Service, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "--no-color"),
        *("--config-file", ROOT / "tests/web/schemathesis.toml"),
        *("run", f"{impatient.url}/openapi.json", "--header", f"Authorization: Bearer {TOKEN}"),
        *("--checks", "all", "--continue-on-failure"),
        *("--report", "json", "--report-json-path", report),
        *(("--generation-database", "none") if EXAMPLES else ("--generation-deterministic",)),
        *("-n", EXAMPLES or "8"),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(report.read_text())
    print(run.stdout)
    assert found["operations"]["tested"] == found["operations"]["selected"] == 7
    assert found["test_cases"]["generated"] > 200
    assert not found["failures"]
    assert {phase["status"] for phase in found["phases"].values()} == {"success"}
