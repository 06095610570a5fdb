"""Promise 13, at the door: a crowd, a backlog and a greedy client delay only themselves."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from bookings.errors import Overloaded, TemporalAway
from tools.helpers.processes import wait_until
from tools.helpers.service import GOOD, Service

NOW = {"Prefer": "wait=0"}
ACME = {"Authorization": "Bearer acme-secret-token"}
BETA = {"Authorization": "Bearer beta-secret-token"}
TOKENS = "acme:acme-secret-token, beta:beta-secret-token"

NewService = Callable[..., Service]


@contextmanager
def crowd(site: Service, size: int, headers: dict[str, str]) -> Iterator[list[int]]:
    """`size` requests at once; while they wait, the statuses of those that were refused."""
    statuses: list[int] = []

    def book() -> int:
        with httpx2.Client(timeout=120) as http:
            answer = http.post(f"{site.url}/book", json=GOOD, headers=headers)
        statuses.append(answer.status_code)
        return answer.status_code

    with ThreadPoolExecutor(size) as pool:
        waiting = [pool.submit(book) for _ in range(size)]
        yield statuses
        for answer in waiting:
            answer.result()


@pytest.mark.long
def test_three_hundred_at_once_are_all_accepted(new_service: NewService) -> None:
    site = new_service(BACKLOG_LIMIT="600")
    site.start_worker()
    site.start_web()
    with crowd(site, 300, NOW) as statuses:
        pass
    assert Counter(statuses) == {202: 300}
    wait_until(lambda: len(site.held()) == 900, timeout=120)


@pytest.mark.parametrize("form", [False, pytest.param(True, marks=pytest.mark.long)])
def test_while_the_backlog_is_old_nothing_is_taken(new_service: NewService, form: bool) -> None:
    """There is no worker, so that the first booking waits; then one comes."""
    site = new_service(BACKLOG_LIMIT="1")
    site.start_web()
    assert site.book(NOW).status_code == 202

    def book() -> httpx2.Response:
        if form:
            return site.http.post("/book", data=GOOD, headers={"Accept": "application/json"})
        return site.book(NOW)

    wait_until(lambda: book().status_code == 503)
    refused = book()
    assert refused.json()["detail"] == Overloaded.text
    assert refused.headers["Retry-After"] == "1"
    site.start_worker()
    wait_until(lambda: book().status_code in {202, 303})


def test_what_temporal_could_not_look_up_is_not_said_to_be_unknown(
    new_service: NewService,
) -> None:
    """Overloaded, it answers NOT_FOUND about its namespace; here it has none of that name."""
    site = new_service(TEMPORAL_NAMESPACE="nowhere")
    site.start_web()
    booking = f"/bookings/trip-{'0' * 32}"
    for answer in (site.http.get(booking), site.http.post(f"{booking}/cancel"), site.book(NOW)):
        assert answer.status_code == 503
        assert answer.json()["detail"] == TemporalAway.text


def test_a_client_s_waiting_places_are_its_own(new_service: NewService) -> None:
    site = new_service(API_TOKENS=TOKENS, CLIENT_WAITING_PLACES="3")
    site.start_web()
    wait_until(lambda: site.book(NOW | BETA).status_code == 202)  # Temporal is awake
    with crowd(site, 5, ACME) as statuses:
        wait_until(lambda: Counter(statuses) == {429: 2})
        with crowd(site, 1, BETA) as others:
            site.start_worker()
        assert others == [200]
    assert Counter(statuses) == {200: 3, 429: 2}


def test_a_client_s_open_bookings_are_bounded(new_service: NewService) -> None:
    site = new_service(API_TOKENS=TOKENS, CLIENT_OPEN_BOOKINGS="2")
    site.start_web()
    wait_until(lambda: site.book(NOW | ACME).status_code == 429)
    assert site.http.get("/bookings", headers=ACME).json()["counts"]["running"] == 2
    assert site.book(NOW | BETA).status_code == 202
    site.start_worker()
    wait_until(lambda: site.book(NOW | ACME).status_code == 202)


def test_a_client_s_rate_is_bounded(new_service: NewService) -> None:
    site = new_service(API_TOKENS=TOKENS, CLIENT_REQUESTS_PER_SECOND="1")
    site.start_web()
    statuses = [site.http.get("/bookings", headers=ACME).status_code for _ in range(10)]
    assert {200, 429} == set(statuses)
    assert site.http.get("/bookings", headers=BETA).status_code == 200
    wait_until(lambda: site.http.get("/bookings", headers=ACME).status_code == 200)


def test_mails_to_an_address_and_of_a_client_are_bounded(new_service: NewService) -> None:
    """Names and items are the client's words: without a limit it could send them to anybody."""
    limits = {"ADDRESS_MAILS_PER_HOUR": "2", "CLIENT_MAILS_PER_HOUR": "4"}
    site = new_service(API_TOKENS=TOKENS, **limits)
    site.start_web()

    def book(client: dict[str, str], email: str | None, key: str = "") -> int:
        headers = NOW | client | ({"Idempotency-Key": key} if key else {})
        return site.book(headers, email=email).status_code

    assert [book(ACME, "ann@example.com", key) for key in ("one", "two")] == [202, 202]
    assert book(ACME, "ANN@example.com", "three") == 429
    assert book(BETA, "ann@example.com") == 429
    assert book(ACME, "ann@example.com", "two") == 202, "a repeat sends no other mail"
    assert book(ACME, None) == 202
    assert book(BETA, "bob@example.com") == 202
    assert book(ACME, "joe@example.com") == 429
    assert site.book(ACME, email="joe@example.com").headers["Retry-After"] == "60"
    wait_until(lambda: site.http.get("/bookings", headers=ACME).json()["counts"]["running"] == 3)
