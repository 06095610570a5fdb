"""A collector of traces for tests: it takes OTLP over HTTP, and keeps what it gets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATH = "/v1/traces"


class Span(NamedTuple):
    """What a trace's pages would show of a span."""

    service: str
    name: str
    id: bytes
    parent: bytes
    trace: str
    attributes: dict[str, str]
    begin: int
    end: int


class Collector:
    """What was received, as spans and as it came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Span]:
        """All spans, in the order in which they began."""
        return sorted((span for body in self.bodies for span in spans_in(body)), key=begun)

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace."""
        return [span for span in self.spans if span.trace == trace_id]


def begun(span: Span) -> int:
    return span.begin


def spans_in(body: bytes) -> Iterator[Span]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        [service] = [
            it.value.string_value for it in resource.resource.attributes if it.key == "service.name"
        ]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    service,
                    span.name,
                    span.span_id,
                    span.parent_span_id,
                    span.trace_id.hex(),
                    {
                        it.key: it.value.string_value or str(it.value.int_value)
                        for it in span.attributes
                    },
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                )


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    """A collector on this port of this machine, or on a free one."""

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == PATH
            known.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Takes) as server:
        server.daemon_threads = True
        known = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield known
        server.shutdown()
