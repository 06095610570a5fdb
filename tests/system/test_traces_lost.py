"""Collectors that do not take traces, and traces that are not to be taken."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.suppliers.partners import never_answers, partner
from tests.system.collector import collector
from tests.system.test_traces import in_trace
from tools.helpers.processes import ROOT, Environment, Started, started, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import closed_port, free_port

pytestmark = pytest.mark.long


@contextmanager
def supplier(folder: Path, endpoint: str, **variables: str) -> Iterator[tuple[Started, str]]:
    """A supplier's process, which needs no Temporal, and where it is."""
    variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    environment, port = Environment(folder / "data", **variables), str(free_port())
    command = ["-m", "suppliers", "serve", "car", "--port", port]
    with started(environment, folder / "log", *command) as process:
        process.wait_for("The car supplier serves")
        yield process, f"http://127.0.0.1:{port}"


def test_a_collector_that_hangs_delays_neither_bookings_nor_the_end(
    new_service: Callable[..., Service],
) -> None:
    with partner(never_answers) as hangs:
        site = new_service(
            OTEL_EXPORTER_OTLP_ENDPOINT=hangs,
            OTEL_EXPORTER_OTLP_TIMEOUT="600",
            OTEL_BSP_SCHEDULE_DELAY="50",
            OTEL_BSP_MAX_QUEUE_SIZE="20",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="10",
        )
        processes = [site.start_worker(), site.start_web()]
        for _ in range(5):
            assert site.book().json()["status"] == "booked"
        begun = time.monotonic()
        for process in processes:
            process.process.terminate()
        assert [process.status() for process in processes] == [0, 0]
        assert time.monotonic() - begun < 25, "OpenTelemetry's own end takes 30 seconds"
        for process in processes:
            assert "Traceback" not in process.output


def test_a_collector_that_is_away_is_one_line_until_it_is_back(tmp_path: Path) -> None:
    lost, taken = "The collector does not accept traces", "The collector accepts traces again"
    with ExitStack() as stack:
        away = ExitStack()
        port = away.enter_context(closed_port())
        endpoint, timeout = f"http://127.0.0.1:{port}", {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        process, url = stack.enter_context(supplier(tmp_path, endpoint, **timeout))
        httpx2.get(f"{url}/reservations/none")
        process.wait_for(lost)
        httpx2.get(f"{url}/reservations/none")
        away.close()
        stack.enter_context(collector(port))
        httpx2.get(f"{url}/reservations/none")
        process.wait_for(taken)
        assert process.output.count(lost) == 1
        assert "opentelemetry" not in process.output


def test_a_sampler_decides_unless_the_caller_has(tmp_path: Path) -> None:
    known = uuid4().hex
    never = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    with collector() as traces, supplier(tmp_path, traces.url, **never) as (_, url):
        for _ in range(20):
            httpx2.get(f"{url}/reservations/none")
        httpx2.get(f"{url}/reservations/none", headers=in_trace(known))
        wait_until(lambda: traces.trace(known))
        assert {span.trace for span in traces.spans} == {known}


SHORT = """
from runtime import tracing
from settings import Settings
tracing.begin(Settings.load(), "short")
with tracing.call("a call"):
    pass
"""


def test_a_program_that_ends_at_once_sends_its_spans(tmp_path: Path) -> None:
    with collector() as traces:
        environment = Environment(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=traces.url)
        subprocess.run([sys.executable, "-c", SHORT], cwd=ROOT, env=environment, check=True)
        assert [(span.service, span.name) for span in traces.spans] == [("short", "a call")]
