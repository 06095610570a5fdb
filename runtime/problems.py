"""Problem documents (RFC 9457) for what is refused before an application has seen it."""

import json
import re
import secrets
from http import HTTPStatus

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response


def name_of(kind: type[Exception]) -> str:
    """The name of a kind of problem, which clients compare: such a class cannot be renamed."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def problem(error: HTTPException) -> Response:
    """An error as a problem that says no more than its status, with an id to report it by."""
    status = HTTPStatus(error.code or 500)
    body = {
        "type": f"/docs#{name_of(type(error))}",
        "title": status.phrase,
        "status": status,
        "detail": error.description,
    }
    response = Response(json.dumps(body), status)
    response.headers.update(dict(error.get_headers()))
    response.headers["Content-Type"] = "application/problem+json"
    response.headers["Request-Id"] = secrets.token_hex(16)
    return response
