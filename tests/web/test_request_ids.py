"""The id of a request: on its answer and in its log lines, the client's own if it sends one."""

import re
from uuid import uuid4

import pytest

from tools.helpers.processes import wait_until
from tools.helpers.service import Service

MADE = re.compile("[0-9a-f]{32}")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/static/style.css", 200),
        ("GET", "/bookings", 200),
        ("GET", "/nothing", 404),
        ("POST", "/book", 415),
        ("DELETE", "/book", 405),
        ("GET", "/bookings/trip-" + "0" * 32, 404),
    ],
)
def test_each_answer_has_an_id_of_its_own(
    site: Service, method: str, path: str, status: int
) -> None:
    answers = [site.http.request(method, path) for _ in range(2)]
    ids = {answer.headers["Request-Id"] for answer in answers}
    assert [answer.status_code for answer in answers] == [status] * 2
    assert len(ids) == 2
    assert all(MADE.fullmatch(it) for it in ids)


@pytest.mark.parametrize("sent", ["7", "a-client.s:own/id=+~_", "x" * 128])
def test_a_client_s_id_is_taken_over(site: Service, sent: str) -> None:
    assert site.http.get("/healthz", headers={"Request-Id": sent}).headers["Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "%s", "<b>", "é", "a,b"])
def test_what_is_no_id_is_replaced(site: Service, sent: str) -> None:
    answer = site.http.get("/healthz", headers=[(b"Request-Id", sent.encode("latin-1"))])
    assert answer.status_code == 200
    assert MADE.fullmatch(answer.headers["Request-Id"])


def test_it_is_in_the_log_lines_of_the_request(site: Service) -> None:
    mine, log = uuid4().hex, site.folder / "run_workflow.py.log"
    headers = {"Request-Id": mine, "Origin": "https://elsewhere.example"}
    assert site.http.post("/book", json={}, headers=headers).status_code == 403
    wait_until(lambda: mine in log.read_text())
    [line] = [it for it in log.read_text().splitlines() if mine in it]
    assert "refused: 403 other-site" in line


def test_a_page_about_a_problem_shows_it(site: Service) -> None:
    answer = site.http.get("/nothing", headers={"Accept": "text/html", "Request-Id": "my-own-id"})
    assert "my-own-id" in answer.text
