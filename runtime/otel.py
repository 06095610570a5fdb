"""Traces by OpenTelemetry, sent to the collector that the standard variables (`OTEL_…`) name."""

import atexit
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.contrib.opentelemetry import (
    OpenTelemetryPlugin,
    ReplaySafeTracerProvider,
    create_tracer_provider,
)

from runtime.tracing import Note

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATUS = "http.response.status_code"
ERROR = "error.type"

HARMLESS = {
    STATUS,
    ERROR,
    "temporalWorkflowID",
    "temporalRunID",
    "temporalActivityID",
    "temporalUpdateID",
}
"""The attributes that leave this process: they name nobody."""

UNTRACED = ("/healthz", "/readyz", "/static/")
"""The beginnings of paths that nobody would look for in a trace."""

LAST_SECONDS = 3
"""How long the end of a process may wait for a collector that takes the last spans."""

W3C = TraceContextTextMapPropagator()

log = logging.getLogger(__name__)


class Tracing:
    """The traces of this process; made once, as OpenTelemetry accepts only one provider."""

    def __init__(self, service: str) -> None:
        # `Discreet` says once what these say at every try.
        for noisy in ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        named = Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
        provider = create_tracer_provider(resource=named, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(Discreet(OTLPSpanExporter())))
        trace.set_tracer_provider(provider)
        self._tracer = provider.get_tracer("trips")
        self.plugin = OpenTelemetryPlugin(add_temporal_spans=True)
        _send_the_rest_at_exit(provider)

    def trace_id(self) -> str:
        """See `tracing.trace_id`."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else ""

    def headers(self) -> dict[str, str]:
        """See `tracing.headers`."""
        headers: dict[str, str] = {}
        W3C.inject(headers)
        return headers

    @contextmanager
    def call(self, name: str) -> Iterator[Note]:
        """See `tracing.call`."""
        with self._tracer.start_as_current_span(name, kind=SpanKind.CLIENT) as span:
            yield span.set_attribute

    def traced(self, app: "WSGIApplication") -> "WSGIApplication":
        """See `tracing.traced`."""

        def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if environ["PATH_INFO"].startswith(UNTRACED):
                return app(environ, start_response)
            # Baggage and tracestate, which clients may fill with anything, go no further.
            parent = W3C.extract({"traceparent": environ.get("HTTP_TRACEPARENT", "")})
            # The method and the path may be anything, too: a span is named after the route.
            span = self._tracer.start_as_current_span("HTTP", parent, kind=SpanKind.SERVER)
            with span as this:

                def start(status: str, *rest: Any) -> Callable[[bytes], object]:
                    this.set_attribute(STATUS, int(status[:3]))
                    if status.startswith("5"):
                        this.set_status(StatusCode.ERROR)
                    if rule := getattr(environ.get("werkzeug.request"), "url_rule", None):
                        this.update_name(f"{environ['REQUEST_METHOD']} {rule}")
                    return start_response(status, *rest)

                return app(environ, start)

        return run


class Discreet(SpanExporter):
    """Sends spans without whatever may name somebody, and logs once that it cannot."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send what is harmless of some spans."""
        result = self._exporter.export([harmless(span) for span in spans])
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            log.warning("The collector does not accept traces; they are lost until it does.")
        elif self._failing and not failing:
            log.info("The collector accepts traces again.")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()


def harmless(span: ReadableSpan) -> ReadableSpan:
    """A copy with the attributes in `HARMLESS`, and of an error only the type."""
    attributes = {name: it for name, it in (span.attributes or {}).items() if name in HARMLESS}
    for event in span.events:
        if event.attributes and (error := event.attributes.get("exception.type")):
            attributes[ERROR] = error
    return ReadableSpan(
        span.name,
        span.context,
        span.parent,
        span.resource,
        attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _send_the_rest_at_exit(provider: ReplaySafeTracerProvider) -> None:
    """Wait at the exit for the last spans, but not for a collector that does not take them."""
    exiting, sent = Event(), Event()

    def send() -> None:
        exiting.wait()
        provider.shutdown()
        sent.set()

    def wait() -> None:
        exiting.set()
        sent.wait(LAST_SECONDS)

    Thread(target=send, name="last spans", daemon=True).start()  # none can be started at the exit
    atexit.register(wait)
