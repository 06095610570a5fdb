"""What a collector gets of the real processes, after real bookings."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.system.collector import Collector, Span, collector
from tools.helpers.processes import ROOT, wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import free_port, temporal_server

pytestmark = pytest.mark.long

CALLER = b"a client"
"""The id of the span of a client that traces."""

NOW = {"Prefer": "wait=0"}


@contextmanager
def traced_site(folder: Path, **variables: str) -> Iterator[tuple[Service, Collector]]:
    """A service, whose hotel is a partner with a database of its own, and its collector."""
    with ExitStack() as stack:
        traces = stack.enter_context(collector())
        variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": traces.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        temporal_port = stack.enter_context(temporal_server())
        site = stack.enter_context(service(folder, temporal_port, **variables))
        port = str(free_port())
        partner = site.start("-m", "suppliers", "serve", "hotel", "--port", port)
        partner.wait_for("The hotel supplier serves")
        site.environment["HOTEL_SUPPLIER"] = f"http://127.0.0.1:{port}"
        site.start_web()
        yield site, traces


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Collector]]:
    with traced_site(tmp_path_factory.mktemp("traced"), LOG_FORMAT="json") as made:
        made[0].start_worker()
        made[0].book(flight="invalid-flight-id")  # the first booking also creates the tables
        yield made


@pytest.fixture
def site(both: tuple[Service, Collector]) -> Service:
    return both[0]


@pytest.fixture
def traces(both: tuple[Service, Collector]) -> Collector:
    return both[1]


def in_trace(trace_id: str, flags: str = "01") -> dict[str, str]:
    """The header of a client that traces."""
    return {"traceparent": f"00-{trace_id}-{CALLER.hex()}-{flags}"}


def outline(spans: list[Span], within: bytes = CALLER, depth: int = 0) -> list[str]:
    """The spans within one, by its id: who called whom, in which process, and for how long."""
    lines = []
    for span in spans:
        if span.parent == within:
            milliseconds = (span.end - span.begin) // 1_000_000
            lines.append(f"{'  ' * depth}{span.name} ({span.service}) {milliseconds} ms")
            lines += outline(spans, span.id, depth + 1)
    return lines


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r" [0-9]+ ms$", "", line) for line in lines]


def wait_for_all(traces: Collector, trace_id: str) -> list[Span]:
    """Wait for the spans of the web process, and of the worker."""
    last = {"POST /book", "RunWorkflow:BookWorkflow"}
    wait_until(lambda: last <= {span.name for span in traces.trace(trace_id)}, 60)
    return traces.trace(trace_id)


def roll_back(site: Service, traces: Collector) -> list[Span]:
    trace_id = uuid4().hex
    booked = site.book(in_trace(trace_id), flight="invalid-flight-id")
    assert booked.json()["status"] == "cancelled"
    return wait_for_all(traces, trace_id)


def test_a_rollback_is_one_trace_from_the_request_to_the_databases(
    site: Service, traces: Collector
) -> None:
    page = (ROOT / "docs" / "traces.md").read_text()
    [block] = re.findall(r"```\n(POST /book.*?)\n```", page, re.DOTALL)
    documented = without_times(block.splitlines())
    [trace_id] = {span.trace for span in roll_back(site, traces)}
    wait_until(lambda: len(traces.trace(trace_id)) >= len(documented))  # the partner's come last
    spans = traces.trace(trace_id)
    assert without_times(outline(spans)) == documented
    by = {span.name: span for span in spans}
    assert by["PUT hotel supplier"].attributes["http.response.status_code"] == "201"
    assert by["RunActivity:book_flight"].attributes["error.type"].endswith("ApplicationError")


def test_each_attempt_is_a_span_and_so_is_the_mail(site: Service, traces: Collector) -> None:
    trace_id = uuid4().hex
    booked = site.book(in_trace(trace_id), attempts=3, email="ann@example.org")
    assert booked.json()["status"] == "booked"
    names = [span.name for span in wait_for_all(traces, trace_id)]
    wait_until(lambda: "RunActivity:notify_traveller" in {it.name for it in traces.trace(trace_id)})
    assert names.count("RunActivity:book_hotel") == 3
    assert names.count("PUT hotel supplier") == 1


def test_lines_of_the_log_name_the_trace(site: Service, traces: Collector) -> None:
    [trace_id] = {span.trace for span in roll_back(site, traces)}
    for log in ("run_workflow.py.log", "run_worker.py.log"):
        text = (site.folder / log).read_text()
        lines = [json.loads(line) for line in text.splitlines() if trace_id in line]
        assert {line["trace_id"] for line in lines} == {trace_id}
        told = {line["message"] for line in lines}
        if log == "run_workflow.py.log":
            assert told == {"accepted"}
        else:
            assert {"car booked", "hotel undone", "flight refused: declined"} <= told


def test_what_a_client_does_not_sample_is_not_traced(site: Service, traces: Collector) -> None:
    unsampled = uuid4().hex
    assert site.book(in_trace(unsampled, flags="00")).json()["status"] == "booked"
    roll_back(site, traces)
    assert traces.trace(unsampled) == []
    assert unsampled not in (site.folder / "run_worker.py.log").read_text()


def test_a_replay_doubles_no_span(tmp_path: Path) -> None:
    """A worker is killed in the middle, and another continues from the history."""
    trace_id = uuid4().hex
    with traced_site(tmp_path) as (site, traces):
        worker = site.start_worker()
        site.book(in_trace(trace_id) | NOW, flight="a slow flight")
        flights = "StartActivity:book_flight"  # its first try, and then the one that is interrupted
        wait_until(lambda: [it.name for it in traces.spans].count(flights) == 2)
        worker.process.kill()
        site.start_worker()
        spans = wait_for_all(traces, trace_id)
    names = [span.name for span in spans]
    assert len({span.id for span in spans}) == len(spans)
    assert sorted(it for it in names if it.startswith("StartActivity")) == [
        f"StartActivity:book_{leg}" for leg in ("car", "flight", "flight", "hotel")
    ]
    assert names.count("RunWorkflow:BookWorkflow") == 1


def test_nothing_personal_is_in_a_span(site: Service, traces: Collector) -> None:
    trace_id = uuid4().hex
    given = {"name": "Ada Quintessenz", "email": "ada@example.org", "car": "a Zeppelin"}
    headers = {"tracestate": "who=quintessenz", "baggage": "who=quintessenz"}
    site.book(in_trace(trace_id) | headers, **given, hotel="invalid-hotel-id", attempts=2)
    wait_for_all(traces, trace_id)
    unknown = uuid4().hex
    site.http.request("QUINTESSENZ", "/quintessenz?who=quintessenz", headers=in_trace(unknown))
    wait_until(lambda: [span.name for span in traces.trace(unknown)] == ["HTTP"])
    sent = b"".join(traces.bodies).lower()
    assert b"book_hotel" in sent
    for secret in (b"quintessenz", b"ada@", b"zeppelin", b"rolling back", b"service is down"):
        assert secret not in sent


def test_it_works_with_encryption(tmp_path: Path) -> None:
    key = {"ENCRYPTION_KEYS": f"first:{'a2s' * 14}s=", "SEARCH_KEY": "search" * 6}
    with traced_site(tmp_path, **key) as (site, traces):
        site.start_worker()
        names = [span.name for span in roll_back(site, traces)]
        assert names.count("RunActivity:undo_book_car") == 1


REPLAY = """
import asyncio
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from bookings.plugin import plugin
from run_worker import WORKFLOWS
from runtime import tracing
from settings import Settings
from tests.saga.histories import recorded
from tests.saga.world import SANDBOX

for runner in (SANDBOX, UnsandboxedWorkflowRunner()):
    replayer = Replayer(
        workflows=WORKFLOWS, workflow_runner=runner, plugins=[plugin(Settings.load())]
    )
    for history in recorded().values():
        asyncio.run(replayer.replay_workflow(history))
assert tracing.plugin()
"""


def test_recorded_histories_replay_and_send_nothing(traces: Collector, site: Service) -> None:
    environment = site.environment | {"OTEL_SERVICE_NAME": "replay"}
    subprocess.run([sys.executable, "-c", REPLAY], cwd=ROOT, env=environment, check=True)
    assert "replay" not in {span.service for span in traces.spans}
