"""The operations: their parameters, and all of their responses."""

from werkzeug.exceptions import RequestEntityTooLarge

from bookings.errors import (
    BadCursor,
    KeyUsed,
    NoLongerKept,
    NoSuchBooking,
    NotSearchable,
    Overloaded,
    Stopped,
    TemporalAway,
)
from bookings.events import Story
from bookings.listing import BookingPage
from bookings.reading import Booking
from shared import BOOKING_ID, Status
from web import access, requests
from web.answers import BookAnswer
from web.openapi.examples import BOOKED, CANCELLED, NAME, REFUSED, REQUEST, RUNNING, URL, result
from web.openapi.examples import BOOKING_ID as EXAMPLE_ID
from web.openapi.parts import Json, answer, body, header, parameter, problem
from web.problems import InvalidRequest
from web.refusals import (
    BadKey,
    BadWait,
    NoPlace,
    NotJson,
    OtherSite,
    TooFast,
    TooManyMails,
    TooManyOpen,
    TooManyWaiting,
    Unidentified,
    Unreadable,
)
from web.requests import BookingRequest

CHALLENGE = {"WWW-Authenticate": header("How to send a token.", access.CHALLENGES[0])}
ETAG = {"ETag": header("Changes with the booking.", '"a1b2c3"')}
LATER = {"Retry-After": header("Seconds to wait.", "1", pattern="^[0-9]+$")}
LOCATION = {"Location": header("The booking.", URL, pattern="^/bookings/trip-")}
REPLAYED = {"Idempotent-Replayed": header("Sent to a retry.", "true", required=False, const="true")}

NO_TOKEN = problem(Unidentified, headers=CHALLENGE)
NOT_FOUND = problem(NoSuchBooking) | problem(NoLongerKept)
AWAY = problem(TemporalAway, headers=LATER)
TOO_MANY = problem(TooFast, TooManyWaiting, TooManyOpen, TooManyMails, headers=LATER)
NOT_WRITTEN = (
    NO_TOKEN
    | problem(OtherSite)
    | problem(RequestEntityTooLarge)
    | TOO_MANY
    | problem(TemporalAway, NoPlace, Overloaded, headers=LATER)
)

ID = parameter("path", "booking_id", "The booking.", EXAMPLE_ID, pattern=f"^{BOOKING_ID}$")
PREFER = parameter(
    "header",
    "Prefer",
    "`wait=N` waits for the outcome at most N seconds, and never longer than the service's own "
    "limit: 30 seconds, unless it is configured otherwise.",
    "wait=10",
)
IDEMPOTENCY_KEY = parameter(
    "header",
    "Idempotency-Key",
    "Makes a retry safe: the same key and body is the same trip, for as long as Temporal keeps "
    "the booking. 1 to 255 visible ASCII characters, bare or in quotes.",
    "2f9d1c6e-8a57-4f0e-9a3b-5d1f0c7b6e42",
    pattern=requests.KEY,
)

BOOK = {
    "operationId": "book",
    "summary": "Book a trip",
    "description": "Books the car, the hotel and the flight, or nothing, and waits for the "
    "outcome. A trip that could not be booked in full is also a 200: `cancelled` is then true, "
    "`reason` says why, and nothing stays booked.",
    "parameters": [IDEMPOTENCY_KEY, PREFER],
    "requestBody": {"required": True} | body(BookingRequest, {"booked": REQUEST}),
    "responses": {
        **answer(
            200, "It is booked, or undone.", REPLAYED, BookAnswer, result(BOOKED), result(REFUSED)
        ),
        **answer(202, "It is still being booked.", LOCATION | LATER | REPLAYED, Booking, RUNNING),
        **problem(Unreadable, BadKey, BadWait),
        **problem(NotJson),
        **problem(InvalidRequest, KeyUsed),
        **NOT_WRITTEN,
    },
}

LIST = {
    "operationId": "listBookings",
    "summary": "List bookings",
    "description": "Running bookings come first, then the most recently ended. A new booking "
    "appears after a moment.",
    "parameters": [
        parameter("query", "status", "Empty means all.", "booked", enum=[*Status, ""]),
        parameter(
            "query",
            "traveller",
            "Words of the name, the e-mail address or the items, in any order and without regard "
            "to case and accents; a `user_id`, a `booking_id`, or the beginning of one.",
            NAME,
            maxLength=200,
        ),
        parameter("query", "cursor", "The last page's `next_cursor`.", "", maxLength=1000),
    ],
    "responses": {
        **answer(200, "A page of the list.", {}, BookingPage),
        **problem(BadCursor),
        **NO_TOKEN,
        **TOO_MANY,
        "414": {"description": "The address is longer than 4 KiB."},
        **problem(InvalidRequest, NotSearchable),
        **AWAY,
    },
}

READ = {
    "operationId": "readBooking",
    "summary": "Read a booking",
    "description": "The status of the booking and of each leg, while it runs and afterwards.",
    "parameters": [
        ID,
        parameter("header", "If-None-Match", "The last answer's `ETag`.", '"a1b2c3"'),
    ],
    "responses": {
        **answer(200, "The booking.", ETAG, Booking, RUNNING, BOOKED),
        "304": {"description": "The booking has not changed."},
        **NO_TOKEN,
        **TOO_MANY,
        **NOT_FOUND,
        **AWAY,
    },
}

EVENTS = {
    "operationId": "readEvents",
    "summary": "Read the story of a booking",
    "description": "What has happened to the booking and to each leg, in the order of time. Of "
    "many attempts, only their number and the last failure are known.",
    "parameters": READ["parameters"],
    "responses": {
        **answer(200, "The events.", ETAG, Story),
        "304": {"description": "Nothing more has happened."},
        **NO_TOKEN,
        **TOO_MANY,
        **NOT_FOUND,
        **AWAY,
    },
}

CANCEL = {
    "operationId": "cancelBooking",
    "summary": "Cancel a booking",
    "description": "Cancels a booking that is running or booked, and waits until all of it is "
    "undone. Cancelling again changes nothing.",
    "parameters": [ID, PREFER],
    "responses": {
        **answer(200, "Nothing is booked any more.", {}, BookAnswer, result(CANCELLED)),
        **answer(202, "It is still being undone.", LOCATION | LATER, Booking),
        **problem(BadWait),
        **NOT_FOUND,
        **problem(Stopped),
        **NOT_WRITTEN,
    },
}


def health(name: str, summary: str, status: str, problems: Json) -> Json:
    """A health check, which needs no token."""
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": status}}}
    healthy = {"description": "Yes.", "content": {"application/json": {"schema": schema}}}
    responses = {"200": healthy} | problems
    return {"operationId": name, "summary": summary, "security": [], "responses": responses}


PATHS = {
    "/book": {"post": BOOK},
    "/bookings": {"get": LIST},
    "/bookings/{booking_id}": {"get": READ},
    "/bookings/{booking_id}/cancel": {"post": CANCEL},
    "/bookings/{booking_id}/events": {"get": EVENTS},
    "/healthz": {"get": health("alive", "Does the web process answer?", "ok", {})},
    "/readyz": {"get": health("ready", "Does Temporal answer?", "ready", AWAY)},
}
