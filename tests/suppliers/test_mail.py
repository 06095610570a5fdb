"""Mail: what is sent only with TLS, only to the right server, and only to one address."""

import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult

from shared import BookingOutcome, Leg, LegOutcome, LegState, Notice, Pace, Status
from suppliers.mail import Mailer, NotSent
from tests.suppliers.certificates import ELSEWHERE, make_certificates
from tools.helpers.temporal_server import free_port

FULL = "full@example.com"


class Server(Sink):
    """A mail server on this machine, and all that it was told."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.told: list[str] = []
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            authenticator=self.authenticate,
            auth_require_tls=False,
            **options,
        )

    @contextmanager
    def running(self) -> Iterator[int]:
        self.controller.start()
        yield self.controller.port
        self.controller.stop()

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, how: str, what: Any) -> Any:
        self.told += [how, what.login.decode(), what.password.decode()]
        return AuthResult(success=True)

    async def handle_RCPT(
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        self.told.append(address)
        if address == FULL:
            return f"452 The mailbox of {address} is full"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates-of-mail")
    make_certificates(folder)
    return folder


def notice(email: str = "jane@example.com") -> Notice:
    legs = [LegOutcome(leg=leg, item=f"a {leg}", state=LegState.BOOKED) for leg in Leg]
    outcome = BookingOutcome(status=Status.BOOKED, legs=legs)
    return Notice(booking_id="trip-1", name="Jane", email=email, outcome=outcome, pace=Pace())


def server(scheme: str, folder: Path, name: str = "server") -> Server:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if scheme == "smtps":
        return Server(ssl_context=tls)
    return Server(tls_context=tls)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("host", ["localhost", ELSEWHERE])
def test_with_a_certificate_that_can_be_verified_it_is_sent(
    certificates: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    there = server(scheme, certificates)
    with there.running() as port:
        Mailer(f"{scheme}://us:s3cret@{host}:{port}", "us@example.com").send(notice())
    assert there.told[1:] == ["us", "s3cret", "jane@example.com"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize(("host", "user"), [("localhost", "us:s3cret@"), (ELSEWHERE, "")])
def test_whoever_has_another_certificate_is_told_nothing(
    certificates: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str, user: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    there = server(scheme, certificates, "stranger")
    with there.running() as port, pytest.raises(OSError, match="certificate verify failed"):
        Mailer(f"{scheme}://{user}{host}:{port}", "us@example.com").send(notice())
    assert there.told == []


@pytest.mark.parametrize(("host", "user"), [("localhost", "us:s3cret@"), (ELSEWHERE, "")])
def test_whoever_offers_no_tls_is_told_nothing(host: str, user: str) -> None:
    there = Server()
    with there.running() as port, pytest.raises(NotSent):
        Mailer(f"smtp://{user}{host}:{port}", "us@example.com").send(notice())
    assert there.told == []


def test_on_this_machine_no_tls_is_needed() -> None:
    there = Server()
    with there.running() as port:
        Mailer(f"smtp://localhost:{port}", "us@example.com").send(notice())
    assert there.told == ["jane@example.com"]


@pytest.mark.parametrize(
    "email", ["root,jane@example.com", "<root>jane@example.com", "root:jane@example.com"]
)
def test_an_address_is_never_a_list(email: str) -> None:
    """The API refuses such an address; a workflow may have one from before."""
    there = Server()
    with there.running() as port, pytest.raises(Exception):  # noqa: B017, PT011 - of any kind
        Mailer(f"smtp://localhost:{port}", "us@example.com").send(notice(email))
    assert there.told == []


def test_a_refused_address_is_in_no_error() -> None:
    refused = notice(FULL)
    with Server().running() as port, pytest.raises(NotSent) as error:
        Mailer(f"smtp://localhost:{port}", "us@example.com").send(refused)
    assert "SMTPRecipientsRefused" in str(error.value)
    assert FULL not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://mail.example.com", "smtp://", "smtp:", "smtp://x:y", "smtp://["],
)
def test_a_url_that_is_no_mail_server_s_is_a_mistake(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL must be"):
        Mailer(url, "us@example.com")
