"""Traces: what a request or a booking did in which process, and how long each part took.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Only then are the packages of the extra `otel`
imported, so nothing else needs them.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from temporalio.plugin import SimplePlugin

from settings import Settings, give_up, is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from runtime.otel import Tracing

Note = Callable[[str, str | int], None]
"""Adds an attribute to a span; one that `runtime.otel` does not know to be harmless is not sent."""

log = logging.getLogger(__name__)

_on: "Tracing | None" = None


def begin(settings: Settings, service: str) -> None:
    """Trace this process from now on, under the first name that is given, if that is configured.

    A missing package ends the process with one message.
    """
    global _on
    if _on or not settings.otel_exporter_otlp_endpoint:
        return
    try:
        from runtime.otel import Tracing
    except ModuleNotFoundError as error:
        give_up(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but the package {error.name} is not installed. "
            "Install the extra otel: python -m pip install -r requirements/otel.txt"
        )
    _on = Tracing(service)
    where = urlsplit(settings.otel_exporter_otlp_endpoint)
    if where.scheme == "http" and not is_loopback(where.hostname or ""):
        log.warning(
            "Traces go to %s unencrypted. Use https:// in OTEL_EXPORTER_OTLP_ENDPOINT.",
            where.hostname,
        )


def plugin() -> SimplePlugin | None:
    """What carries traces through Temporal, for a client or a replayer; None if there are none."""
    return _on.plugin if _on else None


def trace_id() -> str:
    """The id of the trace that this belongs to; empty if it is in none that is kept."""
    return _on.trace_id() if _on else ""


def headers() -> dict[str, str]:
    """What a request sends, so that whoever gets it can go on with the trace."""
    return _on.headers() if _on else {}


@contextmanager
def call(name: str) -> Iterator[Note]:
    """A span of a call to another service, such as a database."""
    if _on:
        with _on.call(name) as note:
            yield note
    else:
        yield _nothing


def traced(app: "WSGIApplication") -> "WSGIApplication":
    """An application whose answers are spans, in the trace that the request names or a new one."""
    return _on.traced(app) if _on else app


def _nothing(name: str, value: str | int) -> None:
    """Note an attribute of no span."""
