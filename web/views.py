"""The routes: each reads a request, asks `Bookings`, and answers."""

from contextlib import nullcontext

from flask import Blueprint, Response, redirect, request, url_for
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Response as AnyResponse

from settings import Settings
from shared import Pace
from web.answers import book_answer
from web.bookings import Bookings, new_booking_id
from web.pages import FINAL, booking_page, form_page
from web.places import Places
from web.problems import field_errors, wants_html
from web.requests import BookingRequest, from_form, from_json, user_id, wait_seconds

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


def json(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """A model as JSON, with the headers given as `Retry_After="1"`."""
    response = Response(
        model.model_dump_json(exclude_none=True), status, mimetype="application/json"
    )
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def read_body() -> bytes:
    """The body; Werkzeug cuts one that comes in chunks off at the limit, and does not refuse it."""
    body = request.get_data()
    if request.content_length is None and len(body) == request.max_content_length:
        raise RequestEntityTooLarge
    return body


def create_blueprint(settings: Settings, bookings: Bookings) -> Blueprint:
    """The routes over one server's bookings."""
    routes = Blueprint("bookings", __name__)
    places = Places(settings.waiting_places)
    pace = Pace(leg_deadline=settings.leg_deadline, undo_patience=settings.undo_patience)

    async def start(asked: BookingRequest) -> tuple[str, str]:
        booking_id = new_booking_id()
        traveller = user_id(asked.name, booking_id)
        await bookings.start(booking_id, asked.trip(traveller, pace))
        return booking_id, traveller

    @routes.get("/")
    def form() -> str:
        return form_page()

    @routes.post("/book")
    async def book() -> AnyResponse | tuple[str, int]:
        body = read_body()
        if request.mimetype in FORMS:
            return await book_by_form()
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("Send JSON, as Content-Type: application/json.")
        asked = from_json(body)
        patience = wait_seconds(request.headers.get("Prefer"), settings.book_wait_seconds)
        with places.one() if patience else nullcontext():
            booking_id, traveller = await start(asked)
            outcome = await bookings.outcome(booking_id, patience)
        url = url_for("bookings.booking", booking_id=booking_id)
        if outcome and outcome.status in FINAL:
            return json(book_answer(booking_id, traveller, outcome, url))
        return json(await bookings.read(booking_id), 202, Location=url, Retry_After="1")

    async def book_by_form() -> AnyResponse | tuple[str, int]:
        try:
            asked = from_form(request.form)
        except ValidationError as error:
            errors = {found.pointer.strip("/"): found.detail for found in field_errors(error)}
            return form_page(request.form, errors), 422
        booking_id, _ = await start(asked)
        return redirect(url_for("bookings.booking", booking_id=booking_id), 303)

    @routes.get("/bookings/<booking_id>")
    async def booking(booking_id: str) -> AnyResponse | str:
        found = await bookings.read(booking_id)
        if not wants_html():
            return json(found)
        ui = f"{settings.ui_url}/namespaces/{bookings.client.namespace}/workflows/{booking_id}"
        return booking_page(found, ui)

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz() -> dict[str, str]:
        await bookings.ping()
        return {"status": "ready"}

    return routes
