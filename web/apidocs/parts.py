"""The pieces that operations are described with, in OpenAPI's words."""

from collections.abc import Mapping
from typing import Any

from shared import BOOKING_ID
from web.apidocs import examples
from web.requests import FORM_KEY, KEY

Json = dict[str, Any]

SITUATIONS = {
    400: "It cannot be read",
    401: "The token is missing or wrong",
    403: "It was sent by a page of another site",
    404: "This client has no such booking",
    409: "The booking was stopped from outside, and nothing is left to carry this out",
    413: "The body is larger than 16 KiB",
    415: "The body is neither JSON nor a form",
    422: "It can be read, but is not valid",
    503: "Nothing can be promised just now: send the same again after `Retry-After` seconds",
}


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def json(model: str, shown: Json, mimetype: str = "application/json") -> Json:
    """A body of a model, with examples."""
    return {mimetype: {"schema": ref("schemas", model), "examples": shown}}


def page() -> Json:
    """A body for people."""
    return {"text/html": {"schema": {"type": "string"}}}


def parameter(place: str, name: str, description: str, example: str, **schema: Any) -> Json:
    """A parameter; only those in the path are required."""
    return {
        "in": place,
        "name": name,
        "description": description,
        "required": place == "path",
        "schema": {"type": "string", **schema},
        "example": example,
    }


def header(description: str, example: str, required: bool = True, **schema: Any) -> Json:
    """A header of an answer."""
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
        "example": example,
    }


def good(description: str, content: Json, **more: Json) -> Json:
    """An answer that is no problem."""
    return {"description": description, "content": content, **more}


def problems(*names: str) -> Json:
    """The problems that an operation can answer, by status; see `examples.PROBLEMS`."""
    shown: dict[int, Json] = {}
    for name in names:
        status = examples.PROBLEMS[name][0]
        shown.setdefault(status, {})[name] = examples.problem(name)
    return {
        str(status): good(
            SITUATIONS[status],
            json("Problem", found, "application/problem+json") | page(),
            **PROBLEM_HEADERS.get(status, {}),
        )
        for status, found in shown.items()
    }


def answers(*parts: Mapping[str, Json]) -> Json:
    """All answers of an operation, in the order of their status."""
    return dict(sorted((status, answer) for part in parts for status, answer in part.items()))


SECONDS = header("Seconds to wait before asking again.", "1", pattern="^[0-9]+$")
LOCATION = header("Where the booking can be read.", examples.URL, pattern="^/bookings/trip-")
CHALLENGE = header("How a token is sent.", 'Bearer realm="trips"')

PROBLEM_HEADERS = {
    401: {"headers": {"WWW-Authenticate": CHALLENGE}},
    503: {"headers": {"Retry-After": SECONDS}},
}
ACCEPTED = {"Location": LOCATION, "Retry-After": SECONDS}
REPLAYED = {
    "Idempotent-Replayed": header(
        "The booking was there before, and this request has joined it.",
        "true",
        required=False,
        const="true",
    )
}
TO_THE_PAGE = good("To a form, or a browser: go on to the booking's page", page()) | {
    "headers": {"Location": LOCATION}
}
FORM = {
    "schema": ref("schemas", "BookingForm"),
    "example": examples.REQUEST | {FORM_KEY: "2f9d1c6e8a574f0e9a3b5d1f0c7b6e42"},
}
FORMS = dict.fromkeys(("application/x-www-form-urlencoded", "multipart/form-data"), FORM)

ID = parameter(
    "path",
    "booking_id",
    "The booking, as `booking_id` names it.",
    examples.BOOKING_ID,
    pattern=f"^{BOOKING_ID}$",
)
PREFER = parameter(
    "header",
    "Prefer",
    "`wait=N`: answer after at most N seconds, with 200 if the booking has ended by then, and "
    "with 202 if not. The service's own limit is 30 seconds, unless it is set up otherwise.",
    "wait=10",
)
IDEMPOTENCY_KEY = parameter(
    "header",
    "Idempotency-Key",
    "Makes it safe to send the request again: the same key and body is the same trip, for as "
    "long as Temporal keeps the booking. 1 to 255 visible characters, bare or in quotes.",
    "2f9d1c6e-8a57-4f0e-9a3b-5d1f0c7b6e42",
    pattern=KEY,
)
