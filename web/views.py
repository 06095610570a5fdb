"""The routes: each reads a request, asks `Bookings`, and answers."""

from flask import Blueprint, Response, redirect, request, url_for
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from bookings.attention import stuck
from bookings.client import rehearses
from bookings.errors import KeyUsed, NoSuchBooking
from bookings.events import Story
from bookings.listing import Filter
from bookings.names import booking_id_for, new_key
from bookings.notices import mail_folder
from bookings.reading import Booking
from bookings.service import Bookings, pace_of
from runtime.metrics import WebMetrics
from settings import Settings
from shared import BookVacationInput
from web.access import client, is_staff, visible_to
from web.admission import MAILS_LATER, Admission
from web.answers import book_answer
from web.field_errors import field_errors
from web.pages import booking_page, form_page, guide_page, list_page
from web.problems import wants_html
from web.refusals import NotJson, TooManyMails
from web.requests import (
    FORM_KEY,
    from_form,
    from_json,
    idempotency_key,
    require_utf8,
    wait_seconds,
)

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}

FORM_HEADERS = {"Cache-Control": "private, no-cache"}
"""A browser keeps an empty form: a click after Back must not send another key, and book again."""


def json(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """A model as JSON, with the headers given as `Retry_After="1"`."""
    response = Response(
        model.model_dump_json(exclude_none=True), status, mimetype="application/json"
    )
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def answer(booking: Booking) -> Response:
    """A booking in the words of `POST /book` if it has ended, and else where to look again."""
    url = url_for("bookings.booking", booking_id=booking.booking_id)
    if booking.status.is_final:
        return json(
            book_answer(booking.booking_id, booking.user_id, booking.name, booking.outcome(), url)
        )
    return json(booking, 202, Location=url, Retry_After="1")


def create_blueprint(settings: Settings, bookings: Bookings, metrics: WebMetrics) -> Blueprint:
    """The routes over one server's bookings."""
    routes = Blueprint("bookings", __name__)
    admission = Admission(settings, metrics.waiting)
    routes.before_request(lambda: admission.count(client()))
    pace = pace_of(settings)
    queues = settings.queues()

    def patience() -> float:
        return wait_seconds(request.headers.get("Prefer"), settings.book_wait_seconds)

    async def start(booking_id: str, trip: BookVacationInput) -> bool:
        if trip.owner:
            admission.check_open(trip.owner, await bookings.open_of(trip.owner))
        if trip.email and not admission.mail(trip.owner, trip.email):
            try:
                await bookings.read(booking_id, trip.owner)  # a repeat sends no mail
            except NoSuchBooking:
                raise TooManyMails(retry_after=MAILS_LATER) from None
        return await bookings.start(booking_id, trip)

    @routes.get("/")
    def form() -> tuple[str, dict[str, str]]:
        page = form_page(key=new_key(), mail_folder=mail_folder(settings))
        return page, FORM_HEADERS

    if rehearses(settings):

        @routes.get("/try")
        def guide() -> tuple[str, dict[str, str]]:
            url = settings.break_it_url
            return guide_page(settings.data_dir, key=new_key(), break_it_url=url), FORM_HEADERS

    @routes.post("/book")
    async def book() -> AnyResponse | tuple[str, int]:
        if request.mimetype == "application/x-www-form-urlencoded":
            require_utf8(request.get_data())
        if request.mimetype in FORMS:
            return await book_by_form()
        if request.mimetype != "application/json":
            raise NotJson
        asked = from_json(request.get_data())
        key = idempotency_key(request.headers.get("Idempotency-Key"))
        booking_id, seconds = booking_id_for(client(), key or new_key()), patience()
        trip = asked.trip(booking_id, client(), pace, queues, keyed=key is not None)
        async with admission.place(client(), seconds):
            replayed = await start(booking_id, trip)
            outcome = await bookings.outcome(booking_id, seconds)
        if outcome and outcome.status.is_final and not replayed:
            url = url_for("bookings.booking", booking_id=booking_id)
            return json(book_answer(booking_id, trip.book_user_id, trip.name, outcome, url))
        response = answer(await bookings.read(booking_id, visible_to()))
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def book_by_form() -> AnyResponse | tuple[str, int]:
        sent = request.headers.get("Idempotency-Key", request.form.get(FORM_KEY) or None)
        key = idempotency_key(sent)
        booking_id = booking_id_for(client(), key or new_key())
        try:
            asked = from_form(request.form)
            trip = asked.trip(booking_id, client(), pace, queues, keyed=key is not None)
            await start(booking_id, trip)
        except ValidationError as error:
            errors = {found.pointer.strip("/"): found.detail for found in field_errors(error)}
        except KeyUsed:
            errors = {
                FORM_KEY: "This form was sent before, with other entries, and that trip is booked. "
                "Send it again to book this trip too."
            }
        else:
            return redirect(url_for("bookings.booking", booking_id=booking_id), 303)
        key = new_key()
        return form_page(request.form, errors, key=key, mail_folder=mail_folder(settings)), 422

    @routes.get("/bookings")
    async def listing() -> AnyResponse | str:
        wanted = Filter.model_validate(request.args.to_dict())
        wanted.owner = visible_to()
        page = await bookings.page(wanted, request.args.get("cursor"))
        if wants_html():
            return list_page(page, wanted, searchable=await bookings.searchable())
        return json(page)

    @routes.get("/bookings/<booking_id>")
    async def booking(booking_id: str) -> AnyResponse:
        found = await bookings.find(booking_id, visible_to())
        ui = f"{settings.ui_url}/namespaces/{bookings.client.namespace}/workflows/{booking_id}"
        folder = mail_folder(settings) if found.trip.email else None
        for_staff = stuck(found.booking) if is_staff() else []
        response = (
            Response(
                booking_page(found.booking, found.events, ui, mail_folder=folder, stuck=for_staff)
            )
            if wants_html()
            else json(found.booking)
        )
        response.add_etag()
        return response.make_conditional(request)

    @routes.get("/bookings/<booking_id>/events")
    async def events(booking_id: str) -> AnyResponse:
        found = await bookings.find(booking_id, visible_to())
        response = json(Story(booking_id=booking_id, events=found.events))
        response.add_etag()
        return response.make_conditional(request)

    @routes.post("/bookings/<booking_id>/cancel")
    async def cancel(booking_id: str) -> AnyResponse:
        if request.mimetype in FORMS or wants_html():
            await bookings.cancel(booking_id, visible_to(), 0)
            return redirect(url_for("bookings.booking", booking_id=booking_id), 303)
        seconds = patience()
        async with admission.place(client(), seconds):
            return answer(await bookings.cancel(booking_id, visible_to(), seconds))

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz() -> dict[str, str]:
        await bookings.ping()
        return {"status": "ready"}

    return routes
