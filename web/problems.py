"""Error responses: problem documents (RFC 9457) for programs, pages for browsers."""

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, render_template, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests
from werkzeug.http import parse_accept_header

from bookings.errors import (
    BadCursor,
    BookingError,
    KeyUsed,
    NoSuchBooking,
    NotSearchable,
    Overloaded,
    Stopped,
    TemporalAway,
)

STATUSES: dict[type[BookingError], int] = {
    BadCursor: 400,
    NoSuchBooking: 404,
    Stopped: 409,
    KeyUsed: 422,
    NotSearchable: 422,
    Overloaded: 503,
}
LATER = {"Retry-After": "1"}

ACCEPT_LENGTH = 1000
"""How much of an Accept header is read; a browser's has 200 characters, and each costs time."""

INVALID = "The request is not valid; see `errors` for each field."


class FieldError(BaseModel):
    """An error in one field."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """An error, as `application/problem+json`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    booking_id: str | None = None


def field_errors(error: ValidationError) -> list[FieldError]:
    """The error in each field, readable and without the input, which may be private."""
    return [
        FieldError(
            pointer="/" + "/".join(map(str, each["loc"])),
            detail=each["msg"].removeprefix("Value error, "),
        )
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def wants_html() -> bool:
    """Whether the client is a browser: it accepts HTML by name, and prefers JSON no more.

    `curl` sends `*/*`, which must get JSON.
    """
    header = request.headers.get("Accept", "")[:ACCEPT_LENGTH]
    accepts = parse_accept_header(header, MIMEAccept)
    return "text/html" in header and accepts["text/html"] >= accepts["application/json"]


def answer(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """A problem document, or a page with the same content."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **more)
    if wants_html():
        response = Response(render_template("problem.html", problem=problem), status)
    else:
        body = problem.model_dump_json(exclude_none=True)
        response = Response(body, status, mimetype="application/problem+json")
    response.headers.update(headers or {})
    return response


def register(app: Flask) -> None:
    """Turn every error into a problem; none shows a traceback."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        kept = {name: value for name, value in error.get_headers() if name == "Allow"}
        return answer(error.code or 500, error.description or "", kept)

    @app.errorhandler(ValidationError)
    def invalid(error: ValidationError) -> Response:
        return answer(422, INVALID, errors=field_errors(error))

    @app.errorhandler(BookingError)
    def booking_error(error: BookingError) -> Response:
        status = STATUSES[type(error)]
        return answer(status, error.text, LATER if status == HTTPStatus.SERVICE_UNAVAILABLE else {})

    @app.errorhandler(TemporalAway)
    def unavailable(error: TemporalAway) -> Response:
        return answer(503, error.text, LATER, booking_id=error.booking_id)

    @app.errorhandler(ServiceUnavailable)
    @app.errorhandler(TooManyRequests)
    def not_now(error: HTTPException) -> Response:
        later = {name: value for name, value in error.get_headers() if name in LATER}
        return answer(error.code or 503, error.description or "", LATER | later)

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        app.logger.error("%s %s failed.", request.method, request.path, exc_info=error)
        return answer(500, "The service failed. Nothing was lost; please try again later.")
