"""Access: tokens, cross-origin requests, and the security headers of every response."""

import logging
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from runtime.guesses import Guesses
from runtime.http_server import HOLD_BACK
from runtime.tokens import Tokens
from settings import Settings, give_up, is_loopback
from web.refusals import OtherHost, OtherSite, StaffOnly, Unidentified

OPEN_PATHS = {"/healthz", "/readyz"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

CHALLENGES = ('Bearer realm="trips"', 'Basic realm="trips", charset="UTF-8"')
"""Bearer is for programs; Basic makes a browser ask for the token by itself."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

log = logging.getLogger(__name__)


class Person(NamedTuple):
    """Who sent a request: staff see and do everything, a client what is its own."""

    name: str
    is_staff: bool


ANYBODY = Person("local", is_staff=True)
"""Whoever uses a service without tokens."""


class People:
    """Those who may use the service: clients and staff, if they need tokens."""

    def __init__(self, settings: Settings) -> None:
        self._open = not settings.has_clients
        self._clients = Tokens(settings, "api_tokens")
        self._staff = Tokens(settings, "staff_tokens")
        self._guesses = Guesses()
        if self._open:
            log.info("No client needs a token: everybody on this machine may do everything.")
        else:
            number, staff = self._clients.clients, self._staff.clients
            has = "client has a token" if number == 1 else "clients have tokens"
            log.info("%d %s, staff: %d; nobody else may do anything.", number, has, staff)

    def identify(self) -> Person:
        """Who sent this request.

        Raises:
            Unidentified: The token is missing or unknown.
        """
        if self._open:
            return ANYBODY
        sent = request.authorization
        token = {"bearer": sent.token, "basic": sent.password}.get(sent.type) if sent else None
        client = self._clients.client_of(token) if token else ""
        staff = self._staff.client_of(token) if token else ""
        name = client or staff
        if not name or (sent and sent.username and sent.username != name):
            if token:
                request.environ[HOLD_BACK](self._guesses.delay(request.remote_addr or ""))
            raise Unidentified
        return Person(name, is_staff=not client)


def refuse_other_hosts(settings: Settings) -> None:
    """Refuse a request to a name that is not the service's.

    Without tokens, a page of another site could else make its own name lead to this machine (DNS
    rebinding), and be the same site as the service.

    Raises:
        OtherHost: The name is unknown.
    """
    name, public = host_name(f"//{request.host}"), host_name(settings.public_url)
    if is_loopback(name) or (name == public if public else settings.has_clients):
        return
    raise OtherHost


def refuse_other_origins(public_url: str) -> None:
    """Refuse a write that a page of another site makes a browser send.

    Forms have no CSRF token to lose or expire: as in Go's `http.CrossOriginProtection`, browsers
    state where a request comes from, and other programs, which state nothing, are no threat.

    Raises:
        OtherSite: It comes from another site.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site:
        allowed = site in {"same-origin", "none"}
    else:
        # A Host that Werkzeug finds invalid is empty here, and so is the host of "null".
        ours = {request.host, host_of(public_url)} - {""}
        allowed = origin is None or host_of(origin) in ours
    if not allowed:
        raise OtherSite


def host_of(origin: str) -> str:
    """The host and port of an origin; empty if it has none, or is invalid."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def host_name(url: str) -> str:
    """The name of the host in a URL; empty if it has none, or is invalid."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def client() -> str:
    """The client that sent this request; empty for staff, without tokens and for health checks."""
    person: Person | None = g.get("person")
    return "" if person is None or person.is_staff else person.name


def visible_to() -> str | None:
    """The client whose bookings whoever sent this request may see; None: they may see all."""
    return None if is_staff() else client()


def is_staff() -> bool:
    """Whether staff sent this request."""
    person: Person | None = g.get("person")
    return person is not None and person.is_staff


def require_staff() -> str:
    """The name of the member of staff who sent this request.

    Raises:
        StaffOnly: It was a client.
    """
    if not is_staff():
        raise StaffOnly
    return str(g.person.name)


def register(app: Flask, settings: Settings) -> None:
    """Check every request, and set the headers of every response."""
    try:
        people = People(settings)
    except ValueError as error:
        give_up(str(error))

    @app.context_processor
    def staff() -> dict[str, str]:
        return {"staff": g.person.name if is_staff() else ""}

    @app.before_request
    def check() -> None:
        if request.path not in OPEN_PATHS:
            refuse_other_hosts(settings)
            g.person = people.identify()
            refuse_other_origins(settings.public_url)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        if response.status_code == 401:
            for challenge in CHALLENGES:
                response.headers.add("WWW-Authenticate", challenge)
        if not request.path.startswith("/static/"):
            # It is one client's, and changes.
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary.add("Accept")
        return response
