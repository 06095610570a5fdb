"""The page of the room: buttons, beside three columns about one trip."""

import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
from flask import Flask, Response, redirect, render_template, request, send_from_directory
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    MisdirectedRequest,
    NotFound,
    ServiceUnavailable,
)
from werkzeug.wrappers import Response as AnyResponse

from bookings.errors import TemporalAway
from local.break_it.columns import Away, Line
from local.break_it.levers import LEVERS, by_path
from local.break_it.world import World
from shared import BOOKING_ID

WEB_STATIC = Path(__file__).parents[2] / "web" / "static"
"""The look of the web process's pages, as files."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with "no-referrer", a form would be sent from "null"
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

TRIPS = {
    "slow": ("A slow trip", "Each of the three suppliers takes five seconds.", "slow-{}-id"),
    "quick": ("A quick trip", "It takes no time, if nothing is broken.", "valid-{}-id"),
}


class Column(NamedTuple):
    """A column as it is now: its lines, or why there are none."""

    name: str
    title: str
    lines: list[Line]
    away: str = ""


def create_room(world: World, url: str) -> Flask:
    """The WSGI application, which goes by the host and port of its URL only."""
    app = Flask(__name__, static_folder="static")
    port = urlsplit(url).port
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    buttons = by_path(LEVERS)
    readers: dict[str, tuple[str, Callable[[str], list[Line]]]] = {
        "page": ("What the page says", world.page_says),
        "temporal": ("What Temporal remembers", world.temporal_remembers),
        "suppliers": ("What the suppliers hold", world.suppliers_hold),
    }
    asking = ThreadPoolExecutor(len(readers))

    def column(name: str, trip: str) -> Column:
        title, read = readers[name]
        if not trip:
            return Column(name, title, [])
        try:
            return Column(name, title, read(trip))
        except Away as away:
            return Column(name, title, [], str(away))
        except TemporalAway:
            return Column(name, title, [], "Temporal does not answer.")

    def trip() -> str:
        """The trip that the page is about, if any."""
        asked = request.values.get("trip", "")
        if asked and not re.fullmatch(BOOKING_ID, asked):
            raise NotFound
        return asked

    def back(booking_id: str) -> AnyResponse:
        return redirect(f"/?trip={booking_id}" if booking_id else "/", 303)

    @app.before_request
    def refuse_other_sites() -> None:
        # A page elsewhere may have made a name of its own lead to this machine (DNS rebinding).
        if request.host not in hosts:
            raise MisdirectedRequest
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        ours = request.headers.get("Origin") == f"http://{request.host}" and site == "same-origin"
        if request.method == "POST" and not ours:
            raise Forbidden("Only this page's own buttons break anything.")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        about = request.values.get("trip", "")
        known = about if re.fullmatch(BOOKING_ID, about) else ""
        return render_template("problem.html", problem=error, trip=known), error.code or 500

    @app.get("/")
    def room() -> str:
        about = trip()
        columns = list(asking.map(lambda name: column(name, about), readers))
        return render_template(
            "room.html",
            trip=about,
            trips=TRIPS,
            columns=columns,
            levers=LEVERS,
            states=world.states(),
            web=world.web_url,
            ui=world.settings.ui_url,
        )

    @app.get("/columns/<name>")
    def one_column(name: str) -> str:
        if name not in readers:
            raise NotFound
        return render_template("column.html", column=column(name, trip()))

    @app.get("/states")
    def states() -> str:
        return render_template("states.html", states=world.states())

    @app.post("/trips")
    def book() -> AnyResponse:
        chosen = TRIPS.get(request.form.get("kind", ""))
        if chosen is None:
            raise NotFound
        items = {leg: chosen[2].format(leg) for leg in ("car", "hotel", "flight")}
        return back(asked(lambda: world.book(**items)))

    @app.post("/cancel")
    def cancel() -> AnyResponse:
        about = trip()
        asked(lambda: world.cancel(about))
        return back(about)

    @app.post("/levers/<path>")
    def press(path: str) -> AnyResponse:
        about = trip()
        if path not in buttons:
            raise NotFound
        try:
            world.press(buttons[path])
        except sqlite3.OperationalError:
            raise ServiceUnavailable("The database was in use. Press the button again.") from None
        return back(about)

    @app.get("/look/<path:name>")
    def look(name: str) -> Response:
        return send_from_directory(WEB_STATIC, name)

    return app


def asked(web: Callable[[], str | None]) -> str:
    """What the web process answers.

    Raises:
        ServiceUnavailable: Nothing, or not now: the page says what is broken.
    """
    try:
        return web() or ""
    except httpx2.HTTPError:
        raise ServiceUnavailable(
            "The booking service cannot do that now. Mend what is broken, and try again."
        ) from None
