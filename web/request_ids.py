"""The id of a request, by which what a client reports is found in the log."""

import logging
import re
import secrets

from flask import Flask, Response, g, has_request_context, request

HEADER = "Request-Id"
VALID = "[A-Za-z0-9._~:/+=-]{1,128}"
"""What is taken over from a client: nothing that could forge a log line or be a format."""


def request_id() -> str:
    """The id of the request that is being answered; empty if there is none."""
    known: str = g.get("request_id", "") if has_request_context() else ""
    return known


def mark(record: logging.LogRecord) -> bool:
    """A filter for handlers: it adds the id to the lines of a request."""
    record.request_id = request_id()
    return True


def register(app: Flask) -> None:
    """Name every request, and send its id with its answer."""
    app.jinja_env.globals["request_id"] = request_id

    @app.before_request
    def name() -> None:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if re.fullmatch(VALID, sent) else secrets.token_hex(16)

    @app.after_request
    def send(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response
