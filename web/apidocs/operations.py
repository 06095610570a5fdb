"""All operations, by their paths."""

from web.apidocs.bookings import BOOK, CANCEL, LIST, READ
from web.apidocs.parts import Json, answers, good, page, problems


def website(name: str, summary: str) -> Json:
    """A page for people."""
    return {
        "operationId": name,
        "tags": ["Pages"],
        "summary": summary,
        "responses": answers({"200": good("The page", page())}, problems("no_token")),
    }


def health(name: str, summary: str, word: str, *names: str) -> Json:
    """A question about the service itself, which needs no token."""
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": word}}}
    body = {"application/json": {"schema": schema, "example": {"status": word}}}
    return {
        "operationId": name,
        "tags": ["Health"],
        "summary": summary,
        "security": [],
        "responses": answers({"200": good("It is", body)}, problems(*names)),
    }


DESCRIBE: Json = {
    "operationId": "describe",
    "tags": ["Pages"],
    "summary": "This description, as OpenAPI 3.1",
    "responses": answers(
        {"200": good("The description", {"application/json": {"schema": {"type": "object"}}})},
        problems("no_token"),
    ),
}

PATHS: dict[str, dict[str, Json]] = {
    "/book": {"post": BOOK},
    "/bookings": {"get": LIST},
    "/bookings/{booking_id}": {"get": READ},
    "/bookings/{booking_id}/cancel": {"post": CANCEL},
    "/healthz": {"get": health("alive", "Does the web process answer?", "ok")},
    "/readyz": {"get": health("ready", "Does Temporal answer it too?", "ready", "temporal_away")},
    "/": {"get": website("bookingForm", "The booking form")},
    "/try": {"get": website("guide", "Things to do to a booking while it runs")},
    "/docs": {"get": website("documentation", "This description, as a page")},
    "/openapi.json": {"get": DESCRIBE},
}
