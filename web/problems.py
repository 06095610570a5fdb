"""Error responses: problem documents (RFC 9457) for programs, pages for browsers."""

import logging
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Flask, Response, g, render_template, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    HTTPVersionNotSupported,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
    ServiceUnavailable,
    UnprocessableEntity,
)
from werkzeug.http import parse_accept_header

from bookings.errors import (
    BadCursor,
    BookingError,
    CannotDecrypt,
    CannotRetry,
    KeyUsed,
    NoLongerKept,
    NoSuchBooking,
    NotSearchable,
    NotStuck,
    NoWorker,
    Overloaded,
    Stopped,
    TemporalAway,
)
from runtime.problems import name_of
from web import refusals
from web.access import ANYBODY
from web.field_errors import FieldError, field_errors

STATUSES: dict[type[Exception], int] = {
    BadCursor: 400,
    NoSuchBooking: 404,
    NoLongerKept: 410,
    Stopped: 409,
    NotStuck: 409,
    CannotRetry: 409,
    KeyUsed: 422,
    NotSearchable: 422,
    CannotDecrypt: 503,
    NoWorker: 503,
    Overloaded: 503,
    TemporalAway: 503,
}
LATER = {"Retry-After": "1"}

NOT_NEWS = {404, 405, 410}
"""Refusals that are not logged: nobody looks for them, and scanners cause many."""

SUSPICIOUS = {401, 403, 421}

log = logging.getLogger(__name__)

ACCEPT_LENGTH = 1000
"""How much of an Accept header is read; a browser's has 200 characters, and each costs time."""


class InvalidRequest(UnprocessableEntity):
    """Fields that are missing, unknown or invalid."""

    description = "The request is not valid; see `errors` for each field."


class Failure(InternalServerError):
    """A bug, about which a client can do nothing."""

    description = "The service failed. Nothing was lost; please try again later."


KINDS = {
    name_of(kind): kind
    for kind in (
        *(
            it
            for it in vars(refusals).values()
            if getattr(it, "__module__", "") == refusals.__name__
        ),
        *(InvalidRequest, Failure, BadRequest, NotFound, MethodNotAllowed, RequestEntityTooLarge),
        *(HTTPVersionNotSupported, RequestHeaderFieldsTooLarge, ServiceUnavailable),
        *STATUSES,
    )
}
"""Every kind of problem by its name."""

NAMES = {kind: name for name, kind in KINDS.items()}


class Problem(BaseModel):
    """An error, as `application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    booking_id: str | None = None


class Kind(NamedTuple):
    """What is the same about all problems of a kind."""

    type: str
    status: int
    detail: str


def kind_of(error: type[Exception]) -> Kind:
    """The kind of an error: its type is an address on the page that describes the API."""
    known = next((cls for cls in error.__mro__ if cls in NAMES), None)
    status = STATUSES.get(error) or getattr(error, "code", None) or 500
    detail = getattr(error, "text", None) or getattr(error, "description", None) or ""
    return Kind(f"/docs#{NAMES[known]}" if known else "about:blank", status, detail)


def wants_html() -> bool:
    """Whether the client is a browser: it accepts HTML by name, and prefers JSON no more.

    `curl` sends `*/*`, which must get JSON.
    """
    header = request.headers.get("Accept", "")[:ACCEPT_LENGTH]
    accepts = parse_accept_header(header, MIMEAccept)
    return "text/html" in header and accepts["text/html"] >= accepts["application/json"]


def answer(error: type[Exception], detail: str = "", **more: Any) -> Response:
    """A problem document, or a page with the same content."""
    type_, status, usual = kind_of(error)
    title = HTTPStatus(status).phrase
    if status not in NOT_NEWS:
        tell(status, type_.partition("#")[2])
    problem = Problem(type=type_, title=title, status=status, detail=detail or usual, **more)
    if wants_html():
        response = Response(render_template("problem.html", problem=problem), status)
    else:
        body = problem.model_dump_json(exclude_none=True)
        response = Response(body, status, mimetype="application/problem+json")
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        response.headers.update(LATER)
    return response


def tell(status: int, kind: str) -> None:
    """Log a refusal; what was sent is not in it."""
    level = logging.WARNING if status >= 500 or status in SUSPICIOUS else logging.INFO
    who = "nobody" if g.get("person") in (None, ANYBODY) else g.person.name
    words = "%s %a refused: %d %s, %s at %s"
    log.log(
        level, words, request.method, request.path[:200], status, kind, who, request.remote_addr
    )


def register(app: Flask) -> None:
    """Turn every error into a problem; none shows a traceback."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = answer(type(error), error.description or "")
        response.headers.update(
            {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
        )
        return response

    @app.errorhandler(ValidationError)
    def invalid(error: ValidationError) -> Response:
        return answer(InvalidRequest, errors=field_errors(error))

    @app.errorhandler(BookingError)
    def booking_error(error: BookingError) -> Response:
        return answer(type(error), str(error))

    @app.errorhandler(TemporalAway)
    def unavailable(error: TemporalAway) -> Response:
        return answer(TemporalAway, booking_id=error.booking_id)

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        app.logger.error("%s %s failed.", request.method, request.path, exc_info=error)
        return answer(Failure)
