"""Clients that are slow, silent or rude delay only themselves; see `tests/web/attacks.py`."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from suppliers.sql import SqlSupplier
from tests.web.attacks import ATTACKS, POST
from tools.helpers.processes import ROOT, Environment, started, wait_until
from tools.helpers.service import GOOD, Service, service

SOON = 10
"""Seconds: how long the service was not heard of when it fell to these attacks was the attack's."""


@contextmanager
def attack(name: str, port: str) -> Iterator[None]:
    """Have a service attacked by a process of its own, from when all its connections are made."""
    command = [sys.executable, "-m", "tests.web.attacks", name, port]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attacker:
        try:
            assert attacker.stdout
            assert attacker.stdout.readline() == "ready\n"
            yield
            assert attacker.poll() is None, "it gave up"
        finally:
            attacker.kill()


@pytest.fixture(scope="module")
def site(temporal_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one worker, which all attacks are made on; it has 60 threads."""
    folder = tmp_path_factory.mktemp("attacked")
    with service(folder, temporal_port, WAITING_PLACES="20") as site:
        site.start_worker()
        site.start_web()
        yield site


@pytest.mark.parametrize("name", ATTACKS)
def test_trips_are_booked_meanwhile(site: Service, name: str) -> None:
    with attack(name, site.environment["PORT"]):
        for _ in range(5):
            # Each on a new connection: one that is open already might be served still.
            assert httpx2.get(f"{site.url}/healthz", timeout=SOON).status_code == 200
            answer = httpx2.post(f"{site.url}/book", json=GOOD, timeout=SOON)
            assert answer.json()["status"] == "booked"
    assert httpx2.get(f"{site.url}/healthz", timeout=SOON).status_code == 200


@pytest.mark.parametrize("name", ["body-drip", "header-drip", "not-hung-up"])
def test_a_supplier_is_served_meanwhile(tmp_path: Path, name: str) -> None:
    environment = Environment(tmp_path / "data")
    port = environment["PORT"]
    with started(environment, tmp_path / "log", "-m", "suppliers", "serve", "car", "--port", port):
        url = f"http://127.0.0.1:{port}/reservations/a-key"
        wait_until(lambda: answers(url))
        with attack(name, port):
            order = {"item": "Tesla", "traveller": "Ada"}
            assert httpx2.put(url, json=order, timeout=SOON).status_code == 201
    with closing(SqlSupplier(f"sqlite:///{environment['DATA_DIR']}/car.db", "car")) as books:
        assert [held.key for held in books.held()] == ["a-key"]


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 404
    except httpx2.TransportError:
        return False


@pytest.mark.long
def test_a_request_that_does_not_come_is_not_waited_for(site: Service) -> None:
    with connected(site) as nothing, connected(site) as head, connected(site) as body:
        head.sendall(b"GET /healthz HTTP/1.1\r\nX:")
        body.sendall(POST + b"Content-Length: 100\r\n\r\n{")
        assert all(ends(wire) for wire in (nothing, head, body))


def test_an_answer_that_is_not_read_does_not_stay(new_service: Callable[..., Service]) -> None:
    """The web process stops although its client neither reads nor hangs up."""
    site = new_service(BOOK_WAIT_SECONDS="1")
    web = site.start_web()
    with connected(site) as wire:
        wire.sendall(b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        wait_until(lambda: site.answers("/healthz"))
        web.process.send_signal(signal.SIGTERM)
        assert web.status() == 0


def test_a_request_that_comes_before_the_last_one_is_answered_is_none(site: Service) -> None:
    with connected(site) as wire:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        text = b"".join(iter(lambda: wire.recv(65536), b""))
    assert text.count(b"HTTP/1.1 200") == 1


def test_a_client_that_says_it_will_send_no_more_is_answered(site: Service) -> None:
    with connected(site) as wire:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [16_385, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_in_words(
    site: Service, size: int, chunked: bool
) -> None:
    body = b" " * size
    answer = site.http.post(
        "/book",
        content=iter([body]) if chunked else body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_is_wrong_in_a_body_that_was_refused_is_not_answered_again(site: Service) -> None:
    with connected(site) as wire:
        wire.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        wire.sendall(b"5000\r\n" + b" " * 0x5000 + b"\r\n")
        wait_until(lambda: wire.recv(65536).startswith(b"HTTP/1.1 413"))
        wire.sendall(b"zz\r\n")
        assert ends(wire)
    assert "Traceback" not in (site.folder / "run_workflow.py.log").read_text()


def test_headers_are_few_and_small(site: Service) -> None:
    many = b"".join(b"X%d: x\r\n" % number for number in range(200))
    for headers in (many, b"Accept: %s\r\n" % (b"text/html;q=0.1," * 6000)):
        with connected(site) as wire:
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
            assert wire.recv(65536).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_no_part_of_an_answer_waits_for_the_client_s_acknowledgement(site: Service) -> None:
    """It takes 40 ms; the quickest of many answers does not depend on a busy machine."""
    assert min(site.http.get("/healthz").elapsed.total_seconds() for _ in range(50)) < 0.03


def test_it_listens_on_ipv6_and_does_not_say_what_it_is(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "data")
    environment["HOST"] = "::1"
    with started(environment, tmp_path / "log", "run_workflow.py"):
        url = f"http://[::1]:{environment['PORT']}/healthz"

        def answered() -> bool:
            try:
                return "Server" not in httpx2.get(url).headers
            except httpx2.TransportError:
                return False

        wait_until(answered)


def connected(site: Service) -> socket.socket:
    """A connection with nothing sent on it yet."""
    return socket.create_connection(("127.0.0.1", int(site.environment["PORT"])), 60)


def ends(wire: socket.socket) -> bool:
    """Wait until the service ends a connection."""
    try:
        while wire.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True
