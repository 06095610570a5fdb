"""The operations on bookings: what each takes, and everything that it can answer."""

from shared import Status
from web.apidocs import examples
from web.apidocs.parts import (
    ACCEPTED,
    FORMS,
    ID,
    IDEMPOTENCY_KEY,
    PREFER,
    REPLAYED,
    TO_THE_PAGE,
    answers,
    good,
    header,
    json,
    page,
    parameter,
    problems,
    ref,
)

LINKS = {
    "read": {
        "operationId": "readBooking",
        "parameters": {"booking_id": "$response.body#/booking_id"},
        "description": "Read the booking.",
    },
    "cancel": {
        "operationId": "cancelBooking",
        "parameters": {"booking_id": "$response.body#/booking_id"},
        "description": "Cancel the booking.",
    },
}
WRITES = ("no_token", "other_site", "temporal_away", "no_place")

BOOK = {
    "operationId": "book",
    "tags": ["Bookings"],
    "summary": "Book a trip",
    "description": "Books the car, the hotel and the flight, or nothing, and waits for the "
    "outcome. A trip that could not be booked in full is answered with 200 too: `cancelled` is "
    "then true, `reason` says why, and nothing stays booked.",
    "parameters": [IDEMPOTENCY_KEY, PREFER],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": ref("schemas", "BookingRequest"),
                "examples": {
                    name: {"summary": summary, "value": value}
                    for name, (summary, value) in examples.REQUESTS.items()
                },
            },
            **FORMS,
        },
    },
    "responses": answers(
        {
            "200": good(
                "The trip has ended: booked in full, or not at all",
                json("BookAnswer", examples.BOOK_ANSWERS),
                headers=REPLAYED,
                links=LINKS,
            ),
            "202": good(
                "The trip is not decided yet, and goes on",
                json("Booking", examples.RUNNING_BOOKINGS),
                headers=ACCEPTED | REPLAYED,
                links=LINKS,
            ),
            "303": TO_THE_PAGE,
        },
        problems("unreadable", "bad_key", "bad_wait", "too_large", "not_json"),
        problems("invalid", "key_used", *WRITES),
    ),
}

READ = {
    "operationId": "readBooking",
    "tags": ["Bookings"],
    "summary": "Read a booking",
    "description": "How the booking and each of its legs stand, also while it runs.",
    "parameters": [
        ID,
        parameter("header", "If-None-Match", "The `ETag` of what is known already.", '"a1b2c3"'),
    ],
    "responses": answers(
        {
            "200": good(
                "The booking",
                json("Booking", examples.BOOKINGS) | page(),
                headers={"ETag": header("Changes whenever the booking does.", '"a1b2c3"')},
                links={"cancel": LINKS["cancel"]},
            ),
            "304": {"description": "It is still as the `ETag` that was sent knows it"},
        },
        problems("no_token", "no_such_booking", "temporal_away"),
    ),
}

CANCEL = {
    "operationId": "cancelBooking",
    "tags": ["Bookings"],
    "summary": "Cancel a booking",
    "description": "Cancels a booking that runs, or a trip that is booked, and waits until all "
    "of it is undone. To cancel again changes nothing.",
    "parameters": [ID, PREFER],
    "responses": answers(
        {
            "200": good(
                "Nothing of the trip is booked any more",
                json("BookAnswer", examples.CANCEL_ANSWERS),
                links={"read": LINKS["read"]},
            ),
            "202": good(
                "It is being undone, and that goes on",
                json("Booking", examples.UNDOING_BOOKINGS),
                headers=ACCEPTED,
                links={"read": LINKS["read"]},
            ),
            "303": TO_THE_PAGE,
        },
        problems("bad_wait", "no_such_booking", "stopped", "too_large", *WRITES),
    ),
}

LIST = {
    "operationId": "listBookings",
    "tags": ["Bookings"],
    "summary": "List bookings",
    "description": "The bookings that run come first, then those that ended last. "
    "A new booking is seen here after a moment.",
    "parameters": [
        parameter("query", "status", "Only these; empty means all.", "booked", enum=[*Status, ""]),
        parameter(
            "query",
            "traveller",
            "A name, a `user_id`, the beginning of one, or a `booking_id`.",
            "John Doe",
            maxLength=200,
        ),
        parameter(
            "query",
            "cursor",
            "The `next_cursor` of the page before; empty: the first page.",
            "",
            maxLength=1000,
        ),
    ],
    "responses": answers(
        {
            "200": good("A page of the list", json("BookingPage", examples.PAGES) | page()),
            "414": good("The address and its query are longer than 4 KiB", page()),
        },
        problems("bad_cursor", "no_token", "invalid", "temporal_away"),
    ),
}
