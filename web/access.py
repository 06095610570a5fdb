"""Access: tokens, cross-origin requests, and the security headers of every response."""

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import Forbidden, Unauthorized

from settings import Settings

OPEN_PATHS = {"/healthz", "/readyz"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

UNIDENTIFIED = "Send your token: Authorization: Bearer <token>."
OTHER_SITE = "This request came from another site, and was refused."

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


class Clients:
    """The clients that may use the service, each with its own token."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self.digests = {name: digest(token) for name, token in tokens.items()}

    def identify(self) -> str:
        """The name of the client that sent this request; empty if no tokens are configured.

        Raises:
            Unauthorized: The token is missing or unknown.
        """
        if not self.digests:
            return ""
        sent = request.authorization
        token = (sent.token or sent.password) if sent else None
        found = ""
        for name, known in self.digests.items():  # compare with all, so timing leaks nothing
            if hmac.compare_digest(known, digest(token or "")):
                found = name
        if not found or (sent and sent.username and sent.username != found):
            raise Unauthorized(UNIDENTIFIED)
        return found


def digest(token: str) -> bytes:
    """A token's digest: unlike tokens, all have the same length, so timing leaks nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def refuse_other_origins() -> None:
    """Refuse a write that a page of another site makes a browser send.

    Forms have no CSRF token to lose or expire: as in Go's `http.CrossOriginProtection`, browsers
    state where a request comes from, and other programs, which state nothing, are no threat.

    Raises:
        Forbidden: It comes from another site.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site:
        allowed = site in {"same-origin", "none"}
    else:
        # A Host that Werkzeug finds invalid is empty here, and so is the host of "null".
        allowed = origin is None or (request.host != "" and host_of(origin) == request.host)
    if not allowed:
        raise Forbidden(OTHER_SITE)


def host_of(origin: str) -> str | None:
    """The host and port of an origin; None if it is invalid."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def client() -> str:
    """The client that sent this request; empty where there are no tokens, and for health checks."""
    name: str = g.get("client", "")
    return name


def register(app: Flask, settings: Settings) -> None:
    """Check every request, and set the headers of every response."""
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
            # Bookings change; with an `ETag`, revalidating them costs only a 304.
            response.headers.setdefault("Cache-Control", "no-cache")
        return response
