"""`/openapi.json` and `/docs`: the description is whole, true, and can be read."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis

from run_workflow import create_app
from settings import Settings
from tests.processes import ROOT
from tests.service import Service, service
from tests.temporal_server import temporal_server

TOKEN = "a-token-for-tests"  # noqa: S105
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


def test_it_describes_every_route_and_no_other(described: Any) -> None:
    app = create_app(Settings())
    try:
        routes = {
            (re.sub("<(.*?)>", r"{\1}", rule.rule), method.lower())
            for rule in app.url_map.iter_rules()
            if rule.endpoint != "static"
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
    finally:
        app.close()
    assert routes == {
        (path, method) for path, methods in described["paths"].items() for method in methods
    }


def test_its_examples_are_accepted(site: Service, described: Any) -> None:
    body = described["paths"]["/book"]["post"]["requestBody"]["content"]
    for name, example in body["application/json"]["examples"].items():
        answer = site.http.post("/book", json=example["value"], headers={"Prefer": "wait=2"})
        assert answer.status_code == (202 if name == "retried" else 200)
        assert answer.json().get("cancelled", False) is (name == "refused")
    form = site.http.post("/book", data=body["application/x-www-form-urlencoded"]["example"])
    assert form.status_code == 303


def test_it_asks_for_a_token_where_tokens_are_on(impatient: Service, described: Any) -> None:
    assert impatient.http.get("/openapi.json").status_code == 401
    assert impatient.http.get("/docs").status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    guarded = impatient.http.get("/openapi.json", headers=headers).json()
    assert guarded["security"] == [{"bearer": []}, {"basic": []}]
    assert described["security"] == [{}, *guarded["security"]]


def test_the_page_tells_of_every_operation_and_name(site: Service, described: Any) -> None:
    page = site.http.get("/docs").text
    for methods in described["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
            assert all(f">{status}</span>" in page for status in operation["responses"])
    for name in described["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert f"curl {site.url}/book" in page
    assert not re.search(r"<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=|//cdn", page)


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
    assert found["operations"]["tested"] == found["operations"]["selected"] >= 8
    assert found["test_cases"]["generated"] > 200
    assert not found["failures"]
    assert {phase["status"] for phase in found["phases"].values()} == {"success"}
