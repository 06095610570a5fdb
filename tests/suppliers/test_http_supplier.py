"""What the HTTP adapter makes of a partner's answers, good and bad."""

import json
import socket
from collections.abc import Callable
from contextlib import closing

import pytest
from flask import Flask, Response, request

from runtime.texts import LONGEST
from suppliers import Fenced, Invalid, Refused, SoldOut, Unavailable
from suppliers.http import HttpSupplier
from tests.suppliers.shops import ITEM, KEY, Serve

PROBLEM = "application/problem+json"


def partner(answer: Callable[[], Response]) -> Flask:
    """A partner's service, whatever it says."""
    app = Flask("partner")

    @app.route("/<path:_>", methods=["PUT", "DELETE"])
    def any_request(_: str) -> Response:
        return answer()

    return app


def answer_to_reserve(serve: Serve, response: Response) -> None:
    with closing(HttpSupplier(serve(partner(lambda: response)), "flight")) as supplier:
        supplier.reserve(KEY, ITEM, "Ada")


def answer_to_release(serve: Serve, response: Response) -> None:
    with closing(HttpSupplier(serve(partner(lambda: response)), "flight")) as supplier:
        supplier.release(KEY)


def test_the_request_is_as_agreed(serve: Serve) -> None:
    seen: list[tuple[str, str, object]] = []

    def remember() -> Response:
        body = request.get_json() if request.data else None
        seen.append((request.method, request.environ["REQUEST_URI"], body))
        if request.method == "DELETE":
            return Response(status=204)
        return Response(json.dumps({"key": "trip-1:f00d/ü?:flight"}), 201)

    with closing(HttpSupplier(serve(partner(remember)) + "/v1/", "flight")) as supplier:
        supplier.reserve("trip-1:f00d/ü?:flight", ITEM, "Ada")
        supplier.release("trip-1:f00d:flight")

    path = "/v1/reservations/trip-1%3Af00d%2F%C3%BC%3F%3Aflight"
    assert seen == [
        ("PUT", path, {"item": ITEM, "traveller": "Ada"}),
        ("DELETE", "/v1/reservations/trip-1%3Af00d%3Aflight", None),
    ]


@pytest.mark.parametrize(("status", "refusal"), [(409, SoldOut), (410, Fenced), (422, Invalid)])
def test_a_refusal_has_the_partners_reason(
    serve: Serve, status: int, refusal: type[Refused]
) -> None:
    body = json.dumps({"detail": "We are\n closed " + "for ever " * 1000})
    with pytest.raises(refusal, match=r"^We are closed for ever for ever") as error:
        answer_to_reserve(serve, Response(body, status, content_type=PROBLEM))
    assert len(str(error.value)) == LONGEST


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (409, 'Flight "Alaska Airlines 123" is sold out.'),
        (410, "This flight booking was cancelled before."),
        (422, "The flight supplier does not accept this booking."),
    ],
)
@pytest.mark.parametrize(
    "body", ["", "<h1>No!</h1>", "[" * 100_000, "[]", '{"detail": 5}', '{"detail": " "}', b"\xff"]
)
def test_a_refusal_without_a_reason_gets_one(
    serve: Serve, status: int, reason: str, body: str | bytes
) -> None:
    with pytest.raises(Refused) as error:
        answer_to_reserve(serve, Response(body, status, content_type=PROBLEM))
    assert str(error.value) == reason


@pytest.mark.parametrize("status", [202, 204, 301, 400, 401, 404, 408, 429, 500, 503])
def test_any_other_answer_leaves_the_outcome_unknown(serve: Serve, status: int) -> None:
    with pytest.raises(RuntimeError, match=rf"flight supplier answered PUT with status {status}"):
        answer_to_reserve(serve, Response(status=status))


@pytest.mark.parametrize("status", [200, 202, 302, 404, 409, 410, 422, 500, 503])
def test_a_release_is_done_only_if_the_partner_says_so(serve: Serve, status: int) -> None:
    with pytest.raises(RuntimeError, match=f"answered DELETE with status {status}"):
        answer_to_release(serve, Response(status=status))


def test_a_partner_that_returns_nothing_at_a_release_cannot_tell_what_was_held(
    serve: Serve,
) -> None:
    with closing(HttpSupplier(serve(partner(lambda: Response(status=204))), "flight")) as supplier:
        assert supplier.release(KEY) is False


def test_a_partner_that_is_away_leaves_the_outcome_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with closing(HttpSupplier(f"http://127.0.0.1:{port}", "flight")) as supplier:
        with pytest.raises(Unavailable, match="ConnectError"):
            supplier.reserve(KEY, ITEM, "Ada")
        with pytest.raises(Unavailable, match="ConnectError"):
            supplier.release(KEY)
