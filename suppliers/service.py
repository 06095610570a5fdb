"""A SQL supplier as a service: the server's side of the contract over HTTP."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException, MisdirectedRequest, Unauthorized

from runtime.logs import gist
from settings import is_loopback
from suppliers import Invalid, Refused
from suppliers.http import REFUSALS
from suppliers.sql import SqlSupplier

HEALTH = "/healthz"
MAX_BODY = 16 * 1024
RETRY_AFTER = "1"
UNIDENTIFIED = "Send your token: Authorization: Bearer <token>."
OTHER_HOST = "Without SUPPLIER_TOKENS, the service goes only by the names of its own machine."

_STATUSES = {refusal: status for status, refusal in REFUSALS.items()}

log = logging.getLogger(__name__)


def create_service(supplier: SqlSupplier, is_known: Callable[[str], object] | None = None) -> Flask:
    """The WSGI application that serves a supplier; whoever made the supplier closes it.

    `is_known` says whether a client's token may be used; without it, none is needed.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.before_request
    def identify() -> None:
        if request.path == HEALTH:
            return
        if not is_known and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            # A web page may have made a name of its own lead to this machine (DNS rebinding).
            raise MisdirectedRequest(OTHER_HOST)
        sent = request.authorization
        token = (sent.token or "") if sent and sent.type == "bearer" else ""
        if is_known and not is_known(token):
            log.warning("%s refused: no valid token, at %s", request.method, request.remote_addr)
            raise Unauthorized(UNIDENTIFIED, www_authenticate=WWWAuthenticate("bearer"))

    @app.put("/reservations/<key>")
    def reserve(key: str) -> ResponseReturnValue:
        item, traveller = _order()
        status = HTTPStatus.OK if supplier.find(key) else HTTPStatus.CREATED
        supplier.reserve(key, item, traveller)
        return {"key": key, "item": item}, status

    @app.delete("/reservations/<key>")
    def release(key: str) -> ResponseReturnValue:
        if note := _note():
            supplier.settle(key, note)
        else:
            supplier.release(key)
        if "return=representation" not in request.headers.get("Prefer", ""):
            return "", HTTPStatus.NO_CONTENT
        found = supplier.find(key)
        return {"key": key, "item": found.item if found else ""}

    @app.patch("/reservations/<key>")
    def forget(key: str) -> ResponseReturnValue:
        if _json() != {"traveller": ""}:
            raise Invalid('Only the name can be changed, to nothing: {"traveller": ""}.')
        supplier.forget(key)
        return "", HTTPStatus.NO_CONTENT

    @app.get("/reservations/<key>")
    def read(key: str) -> ResponseReturnValue:
        if found := supplier.find(key):
            return asdict(found) | {"since": found.since.isoformat()}
        return _problem(HTTPStatus.NOT_FOUND, "Nothing is known under this key.")

    @app.get(HEALTH)
    def health() -> ResponseReturnValue:
        return {"status": "ok"}

    app.register_error_handler(Refused, _refused)
    app.register_error_handler(SQLAlchemyError, _database_away)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _json() -> object:
    """The body; None if it is not JSON, or is made to break whoever reads it."""
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None


def _order() -> tuple[str, str]:
    """The item and the traveller that the request names."""
    match _json():
        case {"item": str(item), "traveller": str(traveller)}:
            return item, traveller
    raise Invalid("The body must be a JSON object with two texts: item and traveller.")


def _note() -> str:
    """The note of an operator who settled the key, if any; in the body, as addresses are logged."""
    match _json():
        case {"settled": str(note)}:
            return note
    return request.args.get("settled", "")  # as older clients send it


def _problem(status: int, detail: str | None) -> Response:
    body = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def _refused(error: Refused) -> Response:
    return _problem(_STATUSES[type(error)], str(error))


def _database_away(error: SQLAlchemyError) -> Response:
    log.error("The database did not answer as it should: %s", gist(error))
    problem = _problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The supplier's database cannot be used now. Try again."
    )
    problem.headers["Retry-After"] = RETRY_AFTER
    return problem


def _http_error(error: HTTPException) -> Response:
    """Any other error; what was not expected is logged by Flask, and is a 500 with no details."""
    response = _problem(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, error.description)
    # What else the error says in its headers, such as which methods are allowed.
    for name, value in error.get_headers(request.environ):
        response.headers.setdefault(name, value)
    return response
