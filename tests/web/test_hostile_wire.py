"""Hostile requests on the wire: what no client library sends, and no proxy should let through."""

import json
import re
import socket
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest

from tools.helpers.processes import wait_until
from tools.helpers.service import GOOD, Service

BODY = json.dumps(GOOD).encode()
POST = b"POST /book HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_A_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SECOND = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Answer(NamedTuple):
    """All that came back on a connection: the first status, and how many there were."""

    status: int
    answers: int
    text: str


def send(site: Service, request: bytes) -> Answer:
    """Send bytes on a connection of their own, and say that no more will come."""
    with socket.create_connection(("127.0.0.1", int(site.environment["PORT"])), 30) as wire:
        wire.sendall(request)
        wire.shutdown(socket.SHUT_WR)
        text = b"".join(iter(lambda: wire.recv(65536), b"")).decode(errors="replace")
    statuses = re.findall("^HTTP/1.[01] ([0-9]{3})", text, re.MULTILINE)
    return Answer(int(statuses[0]) if statuses else 0, len(statuses), text)


def get(
    site: Service, target: str, method: str = "GET", headers: str = "Host: localhost"
) -> Answer:
    """Ask with a target that is sent as it is."""
    lines = f"{method} {target} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n"
    return send(site, lines.encode())


@pytest.fixture(autouse=True)
def _nothing_comes_of_it(site: Service) -> Iterator[None]:
    before = len(site.held())
    yield
    wait_until(lambda: site.answers("/readyz"))
    assert len(site.held()) == before


@pytest.mark.parametrize(
    "booking_id",
    [
        "..%2f..%2fetc%2fpasswd",
        "....//....//etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "trip-%00" + "0" * 31,
        "trip-" + "0" * 32 + "%0a",
        "trip-" + "0" * 32 + "%2fcancel",
        "trip-" + "0" * 32 + "'--",
        "trip-%22;%20DROP%20TABLE%20executions",
        "TRIP-" + "0" * 32,
        "trip-" + "%D9%A0" * 32,
        "temporal-sys-scheduler",
        "%ff%fe",
        "%c0%ae%c0%ae",
        "x" * 3000,
        "%",
        "%zz",
        "\u202e",
    ],
)
@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("POST", "/cancel")])
def test_ids_that_are_none(site: Service, booking_id: str, method: str, suffix: str) -> None:
    answer = get(site, f"/bookings/{booking_id}{suffix}", method)
    assert answer.status in {400, 404, 405}, answer
    assert answer.answers == 1


@pytest.mark.parametrize(
    "query",
    [
        "status=%00",
        "status=booked%27%20OR%201=1",
        "traveller=%27%29%20OR%20%28%271%27=%271&status=lost",
        "cursor=%00",
        "cursor=" + "A" * 3000,
        "cursor=../../etc/passwd",
        "traveller=" + "%F0%9F%98%80" * 201,
        "status[]=booked&status=lost",
    ],
)
def test_queries(site: Service, query: str) -> None:
    assert get(site, f"/bookings?{query}").status in {400, 422}


@pytest.mark.parametrize(
    "query", ["traveller=%00", "traveller=%ff", "owner=acme", "status=booked&status=lost", "&&=&"]
)
def test_queries_that_mean_nothing_are_harmless(site: Service, query: str) -> None:
    assert get(site, f"/bookings?{query}").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/..",
        "//evil.example/%2e%2e",
        "/%5cevil.example",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static/..%5csettings.py",
        "/static//etc/passwd",
        "http://evil.example/nothing",
    ],
)
def test_paths_lead_nowhere_else(site: Service, path: str) -> None:
    answer = get(site, path)
    assert answer.status in {400, 404}, answer
    assert "Location: //" not in answer.text
    assert "Location: http://evil" not in answer.text
    assert "class Settings" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        LENGTH + CHUNKED + b"\r\n" + IN_A_CHUNK,
        CHUNKED + b"Content-Length: 4\r\n\r\n" + IN_A_CHUNK,
        LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
        b"Content-Length: 5, %d\r\n\r\n" % len(BODY) + BODY,
        b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
        b"Content-Length: -1\r\n\r\n" + BODY,
        b"Content-Length: 0x10\r\n\r\n" + BODY,
        b"Content-Length: 9%s\r\n\r\n" % (b"9" * 400) + BODY,
        b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY,
        b"Transfer-Encoding: xchunked\r\n\r\n" + IN_A_CHUNK,
        b"Transfer-Encoding: chunked, chunked\r\n\r\n" + IN_A_CHUNK,
        b"Transfer-Encoding:\x0bchunked\r\n\r\n" + IN_A_CHUNK,
        b"Transfer_Encoding: chunked\r\n\r\n" + IN_A_CHUNK,
        CHUNKED + b"\r\nzz\r\n" + BODY,
        CHUNKED + b"\r\n-1\r\n" + BODY,
        CHUNKED + b"\r\n0x5\r\n" + BODY,
        CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n" + BODY,
        CHUNKED + b"\r\n5\r\n" + BODY,
        CHUNKED + b"\r\n%x;%s\r\n" % (len(BODY), b"e" * 9000) + BODY,
    ],
    ids=count(),
)
def test_lengths_that_could_be_read_in_two_ways(site: Service, body: bytes) -> None:
    answer = send(site, POST + body + SECOND)
    assert 400 <= answer.status < 500 or answer.status == 501, answer
    assert answer.answers == 1, "the rest was taken for a second request"


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: 1000\r\n\r\n" + BODY,
        POST + b"Content-Length: 1000\r\n\r\n",
        POST + CHUNKED + b"\r\n3e8\r\n" + BODY,
        POST + CHUNKED + b"\r\n%x\r\n" % len(BODY) + BODY,
        POST + LENGTH,
        POST[:30],
        b"POST",
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=count(),
)
def test_requests_that_are_cut_off(site: Service, sent: bytes) -> None:
    answer = send(site, sent)
    assert answer.status in {0, 505} or 400 <= answer.status < 500, answer
    assert answer.answers <= 1


def test_a_client_that_hangs_up_in_the_middle(site: Service) -> None:
    port = int(site.environment["PORT"])
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port)) as wire:
            wire.sendall(POST + b"Content-Length: 1000\r\n\r\n" + BODY)
    wait_until(lambda: site.answers("/readyz"))


def test_a_body_that_comes_slowly_holds_up_nobody_else(site: Service) -> None:
    with socket.create_connection(("127.0.0.1", int(site.environment["PORT"]))) as wire:
        wire.sendall(POST + LENGTH + b"\r\n" + BODY[:10])
        assert site.http.get("/bookings", timeout=5).status_code == 200
        wire.sendall(b"}" * (len(BODY) - 10))
        assert wire.recv(65536).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Host: localhost\r\nHost: b",
        "Host: a b",
        "Host: a/../b",
        "Host: <script>",
        "Host: localhost\r\n : x",
        "Host: localhost\r\nX: a\x00b",
        "Host: localhost\r\n folded: x",
        "Host: localhost\r\nX: " + "x" * 9000,
        "Host: localhost\r\n" + "\r\n".join(f"X{number}: x" for number in range(120)),
        "Host: localhost\r\nX" + "x" * 9000 + ": x",
    ],
    ids=count(),
)
def test_headers_that_are_malformed_or_too_large(site: Service, headers: str) -> None:
    answer = get(site, "/nothing", headers=headers)
    assert 400 <= answer.status < 500, answer
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Prefix: /evil",
        "X-Script-Name: /evil",
        "SCRIPT_NAME: /evil",
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /evil",
        "Forwarded: host=evil.example",
        "Authorization: Basic ////",
        "Accept: */*;q=nonsense, ,;;",
        "Accept: " + "text/html," * 700,
        'If-None-Match: W/", *',
        "Range: bytes=0-0,-1",
        "Cookie: " + "a=b;" * 1000,
    ],
)
def test_headers_that_are_forged_are_not_believed(site: Service, header: str) -> None:
    answer = get(site, "/static//style.css", headers=f"Host: localhost\r\n{header}")
    assert answer.status == 404
    assert "evil" not in answer.text
    assert get(site, "/healthz", headers=f"Host: localhost\r\n{header}").status == 200


@pytest.mark.parametrize(
    "header",
    [
        "Sec-Fetch-Site: nonsense",
        "Sec-Fetch-Site: same-origin, cross-site",
        "Origin: http://a@evil.example",
        "Origin: //",
        "Origin: http://[",
        "Origin: http://a:x",
    ],
)
def test_a_write_with_a_forged_origin(site: Service, header: str) -> None:
    answer = send(site, POST + header.encode() + b"\r\n" + LENGTH + b"\r\n" + BODY)
    assert answer.status == 403, answer


def test_a_write_to_a_host_whose_name_is_none(site: Service) -> None:
    head = POST.replace(b"Host: localhost", b"Host: trips_web\r\nOrigin: null")
    assert send(site, head + LENGTH + b"\r\n" + BODY).status == 421


@pytest.mark.parametrize(
    ("method", "status"),
    [
        *[(method, 405) for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW")],
        ("post", 400),
        ("P\u00d6ST", 400),
        ("POST/x", 400),
        ("M" * 3000, 405),
    ],
)
def test_methods(site: Service, method: str, status: int) -> None:
    answer = get(site, "/book", method)
    assert answer.status == status, answer


@pytest.mark.parametrize(
    "line",
    [
        "GET /healthz HTTP/3.0",
        "GET /healthz HTTP/1.10",
        "GET /healthz",
        "GET  /healthz HTTP/1.1",
        "GET healthz HTTP/1.1",
        "GET /" + "x" * 5000 + " HTTP/1.1",
        "GET /\u202e\u0000 HTTP/1.1",
        "GET /a b HTTP/1.1",
    ],
)
def test_request_lines(site: Service, line: str) -> None:
    answer = send(site, f"{line}\r\nHost: localhost\r\n\r\n".encode())
    assert 400 <= answer.status < 500 or answer.status == 505, answer
    assert answer.answers == 1


def test_http_1_0_is_answered(site: Service) -> None:
    assert send(site, b"GET /healthz HTTP/1.0\r\n\r\n").status == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"XX\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"Host: localhost\r\n\r\n", 431),
    ],
)
def test_what_is_refused_early_is_a_problem_with_an_id(
    site: Service, request_: bytes, status: int
) -> None:
    answer = send(site, request_)
    head, _, body = answer.text.partition("\r\n\r\n")
    problem = json.loads(body)
    assert (answer.status, problem["status"]) == (status, status)
    assert problem["type"]
    assert problem["detail"]
    assert re.search("^content-type: application/problem.json\r?$", head, re.I | re.M)
    assert re.search("^request-id: [0-9a-f]{32}\r?$", head, re.I | re.M)
