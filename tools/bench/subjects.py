"""The subjects of the benchmark: each has its processes, and a load process that books there."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple, Self

from temporalio.client import Client

from bookings.client import let_sdk_rest
from bookings.search_attributes import SEARCH_ATTRIBUTES
from local.binary import find_or_get_binary
from local.namespace import prepared
from local.run_temporal import server_command
from tools.bench.load import Done, Task
from tools.helpers.processes import ROOT, Environment, started, wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import free_port, listens


class Load:
    """The load process of one subject."""

    def __init__(self, kind: str, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.bench.load", kind, str(port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def begin(self, task: Task) -> None:
        """Begin a task."""
        print(json.dumps(task), file=self.process.stdin, flush=True)

    def end(self) -> Done:
        """Wait for the end of the task."""
        answer = self.process.stdout.readline() if self.process.stdout else ""
        if not answer:
            raise RuntimeError("a load process failed; see its error above")
        return Done(*json.loads(answer))

    def run(self, task: Task) -> Done:
        """Do a task."""
        self.begin(task)
        return self.end()


@contextmanager
def laboratory() -> Iterator[tuple[ExitStack, Path]]:
    """Provide a stack for the benchmark's processes, and a folder for their files.

    The folder is in `data`, because /tmp may be in memory, which would distort the figures.
    """
    # If it were set, Python would compile a workflow's module each time that the sandbox loads it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    data = ROOT / "data"
    data.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=data) as folder, ExitStack() as stack:
        yield stack, Path(folder)


@dataclass
class Subject:
    """Something to measure: its load, its processes by name, and its Temporal's port."""

    name: str
    load: Load
    temporal_port: int
    processes: dict[str, int] = field(default_factory=dict)


@contextmanager
def temporal_process(command: list[str], port: int) -> Iterator[int]:
    """Run a Temporal server on a port, and yield its process id."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: server.poll() is not None or listens(port), timeout=60)
        asyncio.run(_prepare(port))
        yield server.pid
    finally:
        server.terminate()
        server.wait()


async def _prepare(port: int) -> None:
    await prepared(port, "default", SEARCH_ATTRIBUTES, timedelta(days=1))
    await let_sdk_rest()


class Tuned:
    """A tuned Temporal server with a state file, and the subjects that run on it."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        command = server_command(
            find_or_get_binary(), port=self.port, db_file=folder / "temporal.db"
        )
        self.server = stack.enter_context(temporal_process(command, self.port))

    def service(self, **variables: str) -> Service:
        """Prepare our service, without starting it."""
        return self.stack.enter_context(service(self.folder, self.port, **variables))

    def floor(self, kind: str) -> Subject:
        """Start the floor, or the lean one."""
        environment, log = Environment(self.folder / kind), self.folder / f"{kind}.log"
        worker = self.stack.enter_context(
            started(environment, log, "-m", "tools.bench.floor", kind, str(self.port))
        )
        load = self.stack.enter_context(Load(kind, self.port))
        processes = {"Temporal": self.server, "worker": worker.process.pid}
        return Subject(kind, load, self.port, processes)

    def ours(self, service: Service, name: str = "ours") -> Subject:
        """Start our service's web process, but no worker."""
        web = service.start_web()
        load = self.stack.enter_context(Load("http", int(service.environment["PORT"])))
        processes = {"Temporal": self.server, "web": web.process.pid}
        return Subject(name, load, self.port, processes)


def naive(stack: ExitStack, folder: Path) -> Subject:
    """Start the naive service, with a Temporal server that has default settings."""
    environment = Environment(folder / "naive")
    port, web_port = environment["TEMPORAL_PORT"], environment["PORT"]
    command = [str(find_or_get_binary()), "server", "start-dev", f"--port={port}"]
    command += [f"--ui-port={environment['TEMPORAL_UI_PORT']}"]
    command += [f"--db-filename={folder / 'naive.db'}"]
    server = stack.enter_context(temporal_process(command, int(port)))
    log = folder / "naive.log"
    worker = stack.enter_context(started(environment, log, "-m", "tools.bench.naive.worker", port))
    web = stack.enter_context(
        started(environment, log, "-m", "tools.bench.naive.web", port, web_port)
    )
    wait_until(lambda: listens(int(web_port)))
    load = stack.enter_context(Load("http", int(web_port)))
    processes = {"Temporal": server, "worker": worker.process.pid, "web": web.process.pid}
    return Subject("naive", load, int(port), processes)


class Kept(NamedTuple):
    """What Temporal keeps of an ended workflow, and how often it wrote its state."""

    events: int
    history_bytes: int
    state_transitions: int


async def kept(port: int, workflow_id: str) -> Kept:
    """Measure what Temporal keeps of an ended workflow."""
    client = await Client.connect(f"127.0.0.1:{port}")
    description = await client.get_workflow_handle(workflow_id).describe()
    await let_sdk_rest()
    info = description.raw_description.workflow_execution_info
    return Kept(info.history_length, info.history_size_bytes, info.state_transition_count)


async def running(port: int) -> int:
    """The number of running workflows."""
    client = await Client.connect(f"127.0.0.1:{port}")
    found = await client.count_workflows('ExecutionStatus = "Running"')
    await let_sdk_rest()
    return found.count
