"""The embedded Temporal server."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from local.namespace import prepared
from shared import BOOKING_STATUS, OWNER, SEARCH_WORDS, TRAVELLER
from tools.helpers.processes import ROOT, Environment, Started, started, wait_until
from tools.helpers.temporal_server import temporal_server

READY = "Temporal is ready"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "data")


@pytest.fixture
def server(environment: Environment, tmp_path: Path) -> Iterator[Started]:
    with run_temporal(environment, tmp_path) as program:
        program.wait_for(READY)
        yield program


def run_temporal(environment: Environment, folder: Path) -> AbstractContextManager[Started]:
    return started(environment, folder / "log", "-m", "local.run_temporal")


async def connect(program: Started) -> Client:
    return await Client.connect(f"127.0.0.1:{program.environment['TEMPORAL_PORT']}")


async def start_workflow(client: Client, *pairs: SearchAttributePair[Any]) -> None:
    """Start a workflow that no worker takes."""
    await client.start_workflow(
        "Nobody", id="trip", task_queue="none", search_attributes=TypedSearchAttributes(pairs)
    )


async def test_it_keeps_closed_workflows_for_more_than_a_year(server: Started) -> None:
    client = await connect(server)
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )
    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 400


async def test_it_finds_workflows_by_our_search_attributes(server: Started) -> None:
    client = await connect(server)
    await start_workflow(
        client,
        SearchAttributePair(BOOKING_STATUS, "running"),
        SearchAttributePair(TRAVELLER, "jane"),
        SearchAttributePair(OWNER, "ann"),
        SearchAttributePair(SEARCH_WORDS, ["jane", "doe"]),
    )
    query = "BookingStatus = 'running' AND Traveller = 'jane' AND Owner = 'ann'"
    query += " AND SearchWords = 'doe'"
    found: list[str] = []
    while not found:
        found = [execution.id async for execution in client.list_workflows(query)]
    assert found == ["trip"]


async def test_a_search_attribute_that_is_new_is_added_to_an_old_state() -> None:
    with temporal_server() as port:
        for _ in range(2):
            attributes = {"Owner": "Keyword", "Later": "KeywordList"}
            client = await prepared(port, "default", attributes, timedelta(days=1))
        assert [execution async for execution in client.list_workflows("Later = 'x'")] == []


def test_its_pid_file_is_of_the_server_that_has_the_folder(
    server: Started, environment: Environment, tmp_path: Path
) -> None:
    """A second one is refused, and leaves the file as it is; at the end it is gone."""
    pid_file = tmp_path / "data" / "temporal.pid"
    assert [int(pid_file.read_text())] == server.pids("start-dev")
    second = Environment(tmp_path / "data")
    command = [sys.executable, "-m", "local.run_all"]
    refused = subprocess.run(command, cwd=ROOT, env=second, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "Another Temporal server is using" in refused.stdout
    assert [int(pid_file.read_text())] == server.pids("start-dev")
    server.process.terminate()
    assert server.status() == 0
    assert not pid_file.exists()


async def test_its_state_survives_a_kill(environment: Environment, tmp_path: Path) -> None:
    with run_temporal(environment, tmp_path) as first:
        first.wait_for(READY)
        await start_workflow(await connect(first))
    with run_temporal(environment, tmp_path) as second:
        second.wait_for(READY, times=2)
        client = await connect(second)
        described = await client.get_workflow_handle("trip").describe()
        assert described.status is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(server: Started, stop_signal: signal.Signals) -> None:
    server.process.send_signal(stop_signal)
    assert server.status() == 0
    assert server.pids() == []


def test_the_server_does_not_outlive_a_kill(server: Started) -> None:
    assert server.pids("start-dev")
    server.process.kill()
    wait_until(lambda: server.pids() == [], timeout=2)


def test_it_says_when_the_server_dies(server: Started) -> None:
    server.kill("start-dev")
    assert server.status() == 1
    assert "Temporal's server ended by itself (signal 9, Killed)." in server.output


@pytest.mark.parametrize("variable", ["TEMPORAL_PORT", "TEMPORAL_UI_PORT"])
def test_a_port_that_is_taken_is_named(
    environment: Environment, tmp_path: Path, variable: str
) -> None:
    with (
        socket.create_server(("127.0.0.1", int(environment[variable]))),
        run_temporal(environment, tmp_path) as program,
    ):
        assert program.status() == 2
        assert program.output == (
            f"Port {environment[variable]} is in use. Stop the program that listens on it,"
            f" or set {variable} to another port.\n"
        )


def test_two_servers_cannot_share_a_folder(server: Started, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    other = started(Environment(data_dir), tmp_path / "other-log", "-m", "local.run_temporal")
    with other as program:
        assert program.status() == 2
        assert f"Another Temporal server is using {data_dir}" in program.output


def test_a_state_file_that_cannot_be_read_is_named(
    environment: Environment, tmp_path: Path
) -> None:
    state_file = tmp_path / "data" / "temporal.db"
    state_file.parent.mkdir()
    state_file.write_text("this is no database")
    with run_temporal(environment, tmp_path) as program:
        assert program.status() == 2
        assert "file is not a database" in program.output
        assert f"Its state is in {state_file}." in program.output
        assert "Traceback" not in program.output
        assert "set DATA_DIR to another folder" in program.output
    assert state_file.read_text() == "this is no database"


def test_a_state_of_another_version_is_named(environment: Environment, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "temporal.db").write_text("a format of the future")
    (data_dir / "temporal-version.txt").write_text("9.8.7\n")
    with run_temporal(environment, tmp_path) as program:
        assert program.status() == 2
        assert f"{data_dir}/temporal.db was written by Temporal server 9.8.7" in program.output
        assert "Put a Temporal CLI with server 9.8.7 on PATH" in program.output


def test_a_first_start_that_was_cut_short_is_made_good(
    environment: Environment, tmp_path: Path
) -> None:
    with run_temporal(environment, tmp_path):
        wait_until((tmp_path / "data" / "temporal.db").exists)
    with run_temporal(environment, tmp_path) as second:
        second.wait_for(READY)


async def test_no_web_page_can_post_to_it(server: Started) -> None:
    """It has an HTTP API on a port of its own, which a page could find by trying them all."""
    client = await connect(server)
    await start_workflow(client)
    [pid] = server.pids("start-dev")
    ports = {it.laddr.port for it in psutil.Process(pid).net_connections() if it.status == "LISTEN"}
    assert len(ports) >= 3
    page = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    for port in ports:
        url = f"http://127.0.0.1:{port}/api/v1/namespaces/default/workflows/trip/terminate"
        with suppress(httpx2.TransportError):  # it speaks another protocol
            assert httpx2.post(url, headers=page, content="{}").status_code >= 400
    described = await client.get_workflow_handle("trip").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING


def test_nobody_else_can_read_its_state(server: Started) -> None:
    data_dir = Path(server.environment["DATA_DIR"])
    files = {path.name: path.stat().st_mode & 0o777 for path in data_dir.iterdir()}
    assert "temporal.db" in files
    assert set(files.values()) == {0o600}
    assert data_dir.stat().st_mode & 0o777 == 0o700
