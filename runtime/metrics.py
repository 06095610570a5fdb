"""The metrics of a process: where Prometheus reads them, and those of our own.

The SDK serves them from threads of its own, with its metrics beside ours. A series is set to zero
at the start, or Prometheus could not see its first increase.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from time import monotonic

from temporalio.common import MetricMeter
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
)

from settings import give_up
from shared import BOOK_WORKFLOW, CANCEL_WORKFLOW, NOTIFY_WORKFLOW, Leg
from suppliers import Busy, Refused
from suppliers.bulkhead import NoPlace

BUCKETS = {
    "trip_booking_duration": [0.1, 0.3, 1, 3, 10, 30, 60, 300],
    "trip_supplier_call_duration": [0.01, 0.03, 0.1, 0.3, 1, 3, 8, 20],
}
"""The upper limits of the histograms' buckets, in seconds."""

OUTCOMES = [
    (BOOK_WORKFLOW, "booked"),
    (BOOK_WORKFLOW, "cancelled"),
    (CANCEL_WORKFLOW, "cancelled_later"),
]


def make_runtime(variable: str = "", address: str = "") -> Runtime:
    """The SDK's threads, of which a process needs one set; what they log goes to Python.

    Args:
        variable: The name of the setting that has the address, for the message if it is of no use.
        address: Where metrics are served, as `host:port`; empty: nowhere.
    """
    # Writing to stdout could block the SDK.
    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,  # they hold the texts of failures
    )
    logs = LoggingConfig(LoggingConfig.default.filter, forwarding)
    metrics = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides=BUCKETS,
    )
    try:
        return Runtime(
            telemetry=TelemetryConfig(
                logging=logs, metrics=metrics if address else None, attach_service_name=False
            )
        )
    except ValueError as error:
        give_up(
            f"Metrics cannot be served at {variable}={address} ({error}). "
            "Set it to a free port of an IP address, such as 127.0.0.1:9464."
        )


class WorkerMetrics:
    """What the activities of a worker count."""

    def __init__(self, meter: MetricMeter = MetricMeter.noop) -> None:
        self._calls = meter.create_counter("trip_supplier_calls", "Calls to suppliers")
        self._seconds = meter.create_histogram_timedelta(
            "trip_supplier_call_duration", "Time of a call to a supplier, with the wait for a place"
        )
        self._breakers = meter.create_gauge("trip_breaker_open", "1: a supplier is left alone")
        self._notices = meter.create_counter("trip_notices", "Attempts to send a message")
        for leg in Leg:
            self.breaker(leg, False)
            for call, result in product(("book", "undo"), ("ok", "refused", "failed", "busy")):
                self._calls.add(0, {"leg": leg.value, "call": call, "result": result})
        for kind, result in product(("mail", "alert"), ("sent", "failed")):
            self._notices.add(0, {"kind": kind, "result": result})

    @contextmanager
    def supplier_call(self, leg: Leg, call: str) -> Iterator[None]:
        """Count a call and its result, and measure one that was made."""
        labels = {"leg": leg.value, "call": call}
        begun, result = monotonic(), "failed"
        try:
            yield
            result = "ok"
        except Refused:
            result = "refused"
            raise
        except (NoPlace, Busy):
            result = "busy"
            raise
        finally:
            self._calls.add(1, {**labels, "result": result})
            if result != "busy":
                self._seconds.record(timedelta(seconds=monotonic() - begun), labels)

    def breaker(self, leg: Leg, is_open: bool) -> None:
        """Show whether a supplier is left alone."""
        self._breakers.set(int(is_open), {"leg": leg.value})

    def notice(self, kind: str, result: str) -> None:
        """Count an attempt to send a message."""
        self._notices.add(1, {"kind": kind, "result": result})


def begin_workflow_counts(meter: MetricMeter, namespace: str, task_queue: str) -> None:
    """Set to zero what workflows count, with the labels that the SDK adds to theirs."""
    common = {"namespace": namespace, "task_queue": task_queue}
    bookings = meter.create_counter("trip_bookings", "Bookings that reached an outcome")
    for workflow_type, status in OUTCOMES:
        bookings.add(0, {**common, "workflow_type": workflow_type, "status": status})
    meter.create_counter("trip_notices", "Attempts to send a message").add(
        0, {**common, "workflow_type": NOTIFY_WORKFLOW, "kind": "mail", "result": "given_up"}
    )


class WebMetrics:
    """What the web process counts of its requests."""

    def __init__(self, meter: MetricMeter = MetricMeter.noop) -> None:
        self._waiting = meter.create_gauge("trip_waiting_requests", "Requests that wait")
        self._responses = meter.create_counter("trip_responses", "Answers by HTTP status")
        self.waiting(0)
        for status in (200, 202, 429, 500, 503):
            self._responses.add(0, {"status": str(status)})

    def waiting(self, requests: int) -> None:
        """Show how many requests wait for the outcome of a booking."""
        self._waiting.set(requests)

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._responses.add(1, {"status": str(status)})
