"""The description of the API: OpenAPI 3.1 at `/openapi.json`, and a page of it at `/docs`."""

import html
import json

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from bookings.client import rehearses
from settings import Settings
from web.openapi.operations import PATHS
from web.openapi.parts import Json
from web.openapi.schemas import schemas
from web.problems import KINDS, kind_of

ABOUT = """A trip is a car, a hotel and a flight: a traveller gets all three or none, no matter what
fails. Answers leave out fields that have no value; ignore fields that you do not know. A browser,
which asks for HTML, gets pages at the same addresses. Compare the `type` of a problem, and the
`code` of a field, a leg or a booking, but never the words beside it; there may be new ones.

Every answer has a `Request-Id`: yours, if you send one of up to 128 letters, digits and `._~:/+=-`,
and else a new one. It is in our log lines about the request: name it when you report a problem.

Where the service asks for a token, send it as a bearer token, or as the password of basic
authentication, with your name as the user."""

SCHEMES = {name: {"type": "http", "scheme": name} for name in ("bearer", "basic")}


def document(tokens: bool, demo: bool) -> Json:
    """The description of a service that requires tokens, or rehearses faults, or does not."""
    described = schemas()
    if not demo:
        del described["BookingRequest"]["properties"]["attempts"]
    secured: list[Json] = [{scheme: []} for scheme in SCHEMES]
    return {
        "openapi": "3.1.1",
        "info": {"title": "Trips", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": secured if tokens else [{}, *secured],
        "paths": PATHS,
        "components": {"schemas": described, "securitySchemes": SCHEMES},
    }


def indented(value: Json) -> Markup:
    """JSON between tags, where quotes need no escapes: a thousand of them weigh something."""
    text = html.escape(json.dumps(value, indent=1, ensure_ascii=False), quote=False)
    return Markup(text)  # noqa: S704 - it is escaped


def create_blueprint(settings: Settings) -> Blueprint:
    """The description's routes."""
    routes = Blueprint("api", __name__)
    described = document(settings.has_clients, rehearses(settings))

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(json.dumps(described), mimetype="application/json")

    @routes.get("/docs")
    def docs() -> str:
        base = (settings.public_url or request.host_url).rstrip("/")
        problems = {name: kind_of(error) for name, error in sorted(KINDS.items())}
        return render_template(
            "api.html",
            document=described,
            problems=problems,
            base=base,
            compact=json.dumps,
            indented=indented,
        )

    return routes
