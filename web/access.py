"""Who may ask, and from where: tokens, cross-origin requests, and the headers of every answer."""

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import Forbidden, Unauthorized

from settings import Settings

OPEN_PATHS = {"/healthz", "/readyz"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

UNIDENTIFIED = "Send your token: Authorization: Bearer <token>."
OTHER_SITE = "This request comes from another site, and was refused."

CHALLENGES = ('Bearer realm="trips"', 'Basic realm="trips", charset="UTF-8"')
"""Basic makes a browser ask by itself, and Bearer is for programs."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Clients:
    """The clients that may use the service, each by its own token."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self.digests = {name: digest(token) for name, token in tokens.items()}

    def identify(self) -> str:
        """The name of the client that sent this request; empty where there are no tokens.

        Raises:
            Unauthorized: It sent no token that is known.
        """
        if not self.digests:
            return ""
        sent = request.authorization
        token = (sent.token or sent.password) if sent else None
        found = ""
        for name, known in self.digests.items():  # all of them, so that time tells nothing
            if hmac.compare_digest(known, digest(token or "")):
                found = name
        if not found or (sent and sent.username and sent.username != found):
            raise Unauthorized(UNIDENTIFIED)
        return found


def digest(token: str) -> bytes:
    """A token as it is compared: all have the same length."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def refuse_other_origins() -> None:
    """Refuse a write that a page of another site makes a browser send.

    As Go's `http.CrossOriginProtection` does it: browsers say where a request comes from, and
    other programs say nothing.

    Raises:
        Forbidden: It comes from another site.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site:
        allowed = site in {"same-origin", "none"}
    else:
        allowed = origin is None or host_of(origin) == request.host
    if not allowed:
        raise Forbidden(OTHER_SITE)


def host_of(origin: str) -> str | None:
    """The host and port of an origin; None if it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def client() -> str:
    """The client of this request; empty where there are no tokens, and for health checks."""
    name: str = g.get("client", "")
    return name


def register(app: Flask, settings: Settings) -> None:
    """Check every request, and set the headers of every answer."""
    clients = Clients(settings.tokens())

    @app.before_request
    def check() -> None:
        if request.path not in OPEN_PATHS:
            g.client = clients.identify()
            refuse_other_origins()

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        if response.status_code == 401:
            for challenge in CHALLENGES:
                response.headers.add("WWW-Authenticate", challenge)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-cache")
        return response
