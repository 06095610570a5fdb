"""Who may do what: tokens, owners, cross-origin requests and security headers."""

from collections.abc import Callable, Iterator

import pytest

from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import GOOD, Service, service
from tools.helpers.temporal_server import temporal_server

ACME = {"Authorization": "Bearer acme-secret-token"}
BETA = {"Authorization": "Bearer beta-secret-token"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two clients."""
    folder = tmp_path_factory.mktemp("guarded")
    tokens = "acme:acme-secret-token, beta:beta-secret-token"
    with temporal_server() as port, service(folder, port, API_TOKENS=tokens) as site:
        site.start_worker()
        site.start_web()
        yield site


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/book"),
        ("GET", "/bookings/trip-" + "0" * 32),
        pytest.param("GET", "/", marks=pytest.mark.long),
        pytest.param("GET", "/bookings", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic !!"},
        {"Authorization": "nonsense"},
        {"Authorization": "Basic YmV0YTphY21lLXNlY3JldC10b2tlbg=="},  # beta, with acme's token
    ],
)
def test_without_a_token_nothing_is_done(
    guarded: Service, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = guarded.http.request(method, path, json=GOOD, headers=headers)
    assert answer.status_code == 401
    assert answer.headers.get_list("WWW-Authenticate") == [
        'Bearer realm="trips"',
        'Basic realm="trips", charset="UTF-8"',
    ]
    assert guarded.held() == [] or headers == {}


def test_health_needs_no_token(guarded: Service) -> None:
    assert guarded.http.get("/healthz").status_code == 200
    assert guarded.http.get("/readyz").status_code == 200


def test_a_browser_s_basic_authentication_will_do(guarded: Service) -> None:
    assert guarded.http.get("/", auth=("acme", "acme-secret-token")).status_code == 200


def test_each_client_sees_joins_and_cancels_only_its_own(guarded: Service) -> None:
    key = {"Idempotency-Key": "the same key"}
    of_acme = guarded.book(ACME | key | {"Idempotency-Key": "same"}).json()
    of_beta = guarded.book(BETA | {"Idempotency-Key": "same"}, hotel="another hotel").json()
    assert of_acme["booking_id"] != of_beta["booking_id"]
    assert guarded.http.get(of_acme["url"], headers=ACME).status_code == 200
    assert guarded.http.get(of_acme["url"], headers=BETA).status_code == 404
    stolen = guarded.http.post(of_acme["url"] + "/cancel", headers=BETA)
    assert stolen.status_code == 404
    assert len(guarded.held(of_acme["booking_id"])) == 3

    def of(client: dict[str, str]) -> set[str]:
        rows = guarded.http.get("/bookings", headers=client).json()["bookings"]
        return {row["booking_id"] for row in rows}

    wait_until(lambda: of_acme["booking_id"] in of(ACME) and of_beta["booking_id"] in of(BETA))
    assert of_acme["booking_id"] not in of(BETA)
    assert of_beta["booking_id"] not in of(ACME)


@pytest.mark.long
def test_tokens_are_not_logged(guarded: Service) -> None:
    guarded.book(ACME)
    guarded.http.get("/", headers={"Authorization": "Bearer a-guess"})
    logs = "".join(path.read_text() for path in guarded.folder.glob("*.log"))
    assert "secret" not in logs
    assert "a-guess" not in logs


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_a_write_from_another_site_is_refused(
    site: Service, headers: dict[str, str], status: int
) -> None:
    before = len(site.held())
    assert site.book(headers).status_code == status
    assert len(site.held()) == before + (3 if status == 200 else 0)


def test_a_read_from_another_site_is_answered(site: Service) -> None:
    assert site.http.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/nothing", "/healthz", "/static/style.css"])
def test_every_answer_has_the_security_headers(site: Service, path: str) -> None:
    headers = site.http.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/nothing", "/bookings", "/bookings/trip-1", "/openapi.json"])
def test_nobody_keeps_an_answer_or_takes_it_for_another_one(site: Service, path: str) -> None:
    headers = site.http.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Vary"] == "Accept"


def test_without_tokens_only_loopback_is_served(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("open")
    environment = Environment(folder / "data")
    environment["HOST"] = "0.0.0.0"  # noqa: S104
    with started(environment, folder / "log", "run_workflow.py") as web:
        assert web.status() == CONFIGURATION_ERROR
        assert "Set API_TOKENS" in web.output


def test_tokens_may_come_from_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("file")
    tokens = folder / "tokens"
    tokens.write_text("acme:a-token-from-a-file\n")
    with temporal_server() as port, service(folder, port, API_TOKENS_FILE=str(tokens)) as site:
        site.start_web()
        assert site.http.get("/").status_code == 401
        header = {"Authorization": "Bearer a-token-from-a-file"}
        assert site.http.get("/", headers=header).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:5000", 200),
        ("127.0.0.1", 200),
        ("[::1]:5000", 200),
        ("evil.example:5000", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("trips_web:5000", 421),
        ("localhost@evil.example", 421),
        ("[::1", 421),
    ],
)
def test_without_tokens_only_this_machine_s_names_are_answered(
    site: Service, host: str, status: int
) -> None:
    """A page of evil.example makes that name lead to this machine, and so is the same site."""
    held = len(site.held())
    headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
    assert site.book(headers | {"Origin": f"http://{host}"}).status_code == status
    assert len(site.held()) == held + (3 if status == 200 else 0)
    for path in ("/", "/bookings", "/docs", "/static/style.css"):
        assert site.http.get(path, headers=headers).status_code == status
    assert site.http.get("/healthz", headers=headers).status_code == 200


def test_the_service_goes_by_its_public_name(new_service: Callable[..., Service]) -> None:
    site = new_service(API_TOKENS="acme:acme-secret-token", PUBLIC_URL="https://trips.example.com")
    site.start_web()

    def status(host: str) -> int:
        return site.http.get("/", headers=ACME | {"Host": host}).status_code

    assert (status("trips.example.com"), status("TRIPS.example.com:443")) == (200, 200)
    assert (status("localhost"), status("evil.example"), status("trips.example.com.")) == (
        200,
        421,
        421,
    )
    docs = site.http.get("/docs", headers=ACME).text
    assert "curl https://trips.example.com/book" in docs
    assert "127.0.0.1" not in docs
    own = ACME | {"Origin": "https://trips.example.com", "Prefer": "wait=0"}
    assert site.book(own).status_code == 202
    assert site.book(own | {"Origin": "https://evil.example"}).status_code == 403
