"""The web process: takes bookings by HTTP, starts their workflows and shows how they stand."""

import asyncio
import functools
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any, TypeVar

from flask import Flask

from bookings.client import let_sdk_rest, rehearses, warn_of_clear_text
from bookings.codec import codec_of
from bookings.service import Bookings
from runtime import http_server, tracing
from runtime.logs import log_to_stderr
from runtime.metrics import WebMetrics, make_runtime
from settings import Settings, give_up, is_loopback, take_no_arguments
from web import access, desk, openapi, problems, request_ids
from web.views import create_blueprint

log = logging.getLogger(__name__)

T = TypeVar("T")

SPARE_THREADS = 40
"""Threads beyond the waiting places, so that health and pages are answered while all are taken."""


class BookingApp(Flask):
    """A Flask app whose async views share one event loop, where the Temporal client lives.

    Flask's own way gives each request a new thread with a new loop; a client belongs to one loop.
    So a view must not block this one: what blocks goes into a plain `def` view.
    """

    def __init__(self, settings: Settings) -> None:
        codec_of(settings)  # a mistake ends the process here; on the loop, only the loop
        super().__init__(__name__, static_folder="web/static")
        self.config["MAX_CONTENT_LENGTH"] = http_server.MAX_BODY
        self.url_map.merge_slashes = False  # the redirect would name the host that the client named
        runtime = make_runtime("METRICS_ADDRESS", settings.metrics_address)
        self.metrics = WebMetrics(runtime.metric_meter)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="async", daemon=True)
        self.thread.start()
        self.bookings = self.wait_for(Bookings.connect(settings, runtime))
        if settings.metrics_address:
            counting = self.bookings.count_for(runtime.metric_meter)
            asyncio.run_coroutine_threadsafe(counting, self.loop)
        self.jinja_env.globals["demo"] = rehearses(settings)
        self.register_blueprint(create_blueprint(settings, self.bookings, self.metrics))
        self.register_blueprint(desk.create_blueprint(settings, self.bookings))
        self.register_blueprint(openapi.create_blueprint(settings))
        request_ids.register(self)
        access.register(self, settings)
        problems.register(self)

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the shared loop, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
        """Make an async view callable by the server's threads (Flask's own point of extension)."""

        @functools.wraps(func)
        def run(*args: Any, **kwargs: Any) -> T:
            return self.wait_for(func(*args, **kwargs))

        return run

    def close(self) -> None:
        """End the shared loop, and what still runs on it."""
        self.wait_for(end_tasks())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


async def end_tasks() -> None:
    """Cancel the loop's other tasks, and let the SDK rest."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await let_sdk_rest()


def create_app(settings: Settings | None = None) -> BookingApp:
    """The WSGI application; make it after any fork, as it starts a thread and a client."""
    return BookingApp(settings or Settings.load())


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; requests that wait are answered first."""
    settings = Settings.load()
    log_to_stderr(settings.log_format)
    tracing.begin(settings, "trips-web")
    for handler in logging.getLogger().handlers:
        handler.addFilter(request_ids.mark)
    if not (settings.has_clients or is_loopback(settings.host)):
        give_up(
            f"HOST={settings.host} would let everybody book and cancel. "
            "Set API_TOKENS or API_TOKENS_FILE, or leave HOST at 127.0.0.1."
        )
    if not is_loopback(settings.host):
        log.warning("Tokens and names are sent in clear text, unless a proxy in front speaks TLS.")
    warn_of_clear_text(settings)
    try:
        listener = http_server.listen(settings.host, settings.port)
    except OSError as error:
        give_up(f"{settings.host}:{settings.port} cannot be served ({error}). Set HOST or PORT.")
    threads = settings.waiting_places + SPARE_THREADS
    with closing(create_app(settings)) as app:
        log.info("The web process serves %s:%d.", settings.host, settings.port)
        try:
            http_server.serve(
                app,
                listener,
                threads=threads,
                longest_wait=settings.book_wait_seconds,
                answered=app.metrics.answered,
            )
        finally:
            log.info("The web process has answered its requests and stops.")


if __name__ == "__main__":
    take_no_arguments(__doc__)
    main()
