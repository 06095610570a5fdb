"""The web process: takes bookings by HTTP, starts their workflows and shows how they stand."""

import asyncio
import functools
import logging
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from flask import Flask
from gunicorn.app.base import BaseApplication

from bookings.client import let_sdk_rest
from bookings.service import Bookings
from settings import Settings, give_up, is_loopback, take_no_arguments
from web import access, openapi, problems
from web.views import create_blueprint

T = TypeVar("T")

SPARE_THREADS = 40
"""Threads beyond the waiting places, so that health and pages are answered while all are taken."""

SILENCE_SECONDS = 5
"""How long a client may be silent in the middle of its request."""


class BookingApp(Flask):
    """A Flask app whose async views share one event loop, where the Temporal client lives.

    Flask's own way gives each request a new thread with a new loop; a client belongs to one loop.
    So a view must not block this one: what blocks goes into a plain `def` view.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(__name__, static_folder="web/static")
        self.config["MAX_CONTENT_LENGTH"] = 16 * 1024
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="async", daemon=True)
        self.thread.start()
        self.bookings = self.wait_for(Bookings.connect(settings))
        self.register_blueprint(create_blueprint(settings, self.bookings))
        self.register_blueprint(openapi.create_blueprint(settings))
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


def limit_silence(worker: Any) -> None:
    """Let no connection hold a thread by sending nothing: the listeners' limit becomes its own."""
    limit = struct.pack("@ll", SILENCE_SECONDS, 0)
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)


class Server(BaseApplication):
    """Gunicorn with one process and a thread for each request that waits."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up from the settings alone."""
        for name, value in {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "worker_class": "gthread",
            "threads": self.settings.waiting_places + SPARE_THREADS,
            "graceful_timeout": int(self.settings.book_wait_seconds) + 5,
            "control_socket_disable": True,  # it would be a file in the user's home
            "forwarded_allow_ips": "",  # no header of a client says who or where it is
            "post_worker_init": limit_silence,
            "worker_exit": lambda _server, worker: worker.wsgi.close(),
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # gunicorn's stubs know no WSGI application that is a class
        """Make the application, in gunicorn's worker process."""
        return create_app(self.settings)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; requests that wait are answered first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.load()
    if not (settings.tokens() or is_loopback(settings.host)):
        give_up(
            f"HOST={settings.host} would let everybody book and cancel. "
            "Set API_TOKENS or API_TOKENS_FILE, or leave HOST at 127.0.0.1."
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            give_up(
                f"{settings.host}:{settings.port} cannot be served ({error}). Set HOST or PORT."
            )
    Server(settings).run()


if __name__ == "__main__":
    take_no_arguments(__doc__)
    main()
