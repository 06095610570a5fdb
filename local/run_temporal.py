"""The embedded Temporal server, tuned for one machine: `python -m local.run_temporal`."""

import asyncio
import os
import signal
import sys
from asyncio import FIRST_COMPLETED
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from pathlib import Path

from bookings.client import connect_config, let_sdk_rest
from bookings.search_attributes import SEARCH_ATTRIBUTES
from local import children
from local.binary import find_or_get_binary, server_version
from local.namespace import prepared
from local.ports import Listener, require_free
from local.state import StateFolder
from settings import CONFIGURATION_ERROR, Settings, take_no_arguments

READY = "Temporal is ready"
"""The start of the line that is printed once the server can take bookings."""

SERVER_SETTINGS = {
    # By default each shard reads these queues 20 times a second. Here there is one shard for
    # everything, and every step of every workflow waits its turn: 350 ms a booking, now 40 ms.
    # Timers, and therefore retries, wait in the same way when many bookings run at once. Other
    # queues have the same limit, but raising it there changes nothing.
    "history.transferProcessorMaxPollRPS": "10000",
    "history.timerProcessorMaxPollRPS": "10000",
    # By default no timer fires, and no retry starts, in less than a second, in case the clocks of
    # several servers differ. Here there is one clock.
    "history.timerProcessorMaxTimeShift": '"10ms"',
    # By default visibility allows ten requests a second, and a list of bookings needs five: the
    # third list within a second had to wait.
    "frontend.namespaceRPS.visibility": "1000",
    # With four partitions, a task in one and a poll in another find each other only after a detour
    # that can take two seconds.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    # The worker that completes a workflow task may get the next activity in the same response.
    "system.enableActivityEagerExecution": "true",
    # Beside gRPC there is an HTTP API, on a port of its own, which any web page could post to.
    "frontend.httpAllowedHosts": "[]",
}

SQLITE_PRAGMAS = {
    # Twice as many bookings a second as with a rollback journal.
    "journal_mode": "wal",
    # Whatever was acknowledged survives a power cut; `normal` is faster, but not so safe.
    "synchronous": "full",
}

START_SECONDS = 60
STOP_SECONDS = 1.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def server_command(
    binary: Path,
    *,
    port: int,
    ui_port: int | None = None,
    db_file: Path | None = None,
    namespace: str = "default",
    search_attributes: Mapping[str, str] = SEARCH_ATTRIBUTES,
) -> list[str]:
    """The command that runs the server on loopback.

    Args:
        binary: The Temporal CLI.
        port: The port of its gRPC interface.
        ui_port: The port of its Web UI; None: no Web UI.
        db_file: Its state file; None keeps the state in memory.
        namespace: A namespace to create in addition to `default`.
        search_attributes: Names and types of the search attributes of a new state.
    """
    command = [str(binary), "server", "start-dev", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--namespace={namespace}", "--log-level=error"]
    command += ["--headless"] if ui_port is None else [f"--ui-port={ui_port}"]
    if db_file:
        command += [f"--db-filename={db_file}"]
        command += [f"--sqlite-pragma={name}={value}" for name, value in SQLITE_PRAGMAS.items()]
    command += [f"--dynamic-config-value={name}={it}" for name, it in SERVER_SETTINGS.items()]
    command += [f"--search-attribute={name}={kind}" for name, kind in search_attributes.items()]
    return command


async def serve(settings: Settings, binary: Path, state: StateFolder) -> int:
    """Run the server until it ends, or this task is cancelled; return the exit status."""
    namespace = connect_config(settings).get("namespace", "default")
    version = server_version(binary) or "unknown"
    port, ui_port = settings.temporal_port, settings.temporal_ui_port
    server = await children.start(
        server_command(
            binary, port=port, ui_port=ui_port, db_file=state.db_file, namespace=namespace
        )
    )
    retention = timedelta(days=settings.retention_days)
    preparing = asyncio.create_task(prepared(port, namespace, SEARCH_ATTRIBUTES, retention))
    state.pid_file.write_text(f"{server.pid}\n")
    ended = asyncio.create_task(server.wait())
    try:
        await asyncio.wait({preparing, ended}, timeout=START_SECONDS, return_when=FIRST_COMPLETED)
        if not preparing.done():
            return could_not_start(server.returncode, binary, version, state)
        preparing.result()
        state.started(version)
        print(f"{READY} at 127.0.0.1:{port}; its Web UI is at {settings.ui_url}", flush=True)
        how = children.how_it_ended(await ended)
        print(f"Temporal's server ended by itself ({how}).", file=sys.stderr)
        return 1
    finally:
        preparing.cancel()
        state.pid_file.unlink(missing_ok=True)
        await asyncio.gather(children.stop(server, STOP_SECONDS), let_sdk_rest())


def could_not_start(status: int | None, binary: Path, version: str, state: StateFolder) -> int:
    """Print why the server did not start; return the exit status."""
    if status is None:
        print(f"Temporal's server was not ready after {START_SECONDS} s.", file=sys.stderr)
        return 1
    if status < 0:
        how = children.how_it_ended(status)
        print(f"Temporal's server ended during its start ({how}).", file=sys.stderr)
        return 1
    earlier = state.written_by()
    if earlier in {None, version}:
        advice = (
            f"Its state is in {state.db_file}."
            " If that file is the cause, set DATA_DIR to another folder to start afresh."
        )
    else:
        advice = (
            f"{state.db_file} was written by Temporal server {earlier}; this is {version}.\n"
            f"Put a Temporal CLI with server {earlier} on PATH (check `temporal --version`),"
            " or set DATA_DIR to another folder to start afresh."
        )
    print(
        f"Temporal's server ({binary}) cannot start; see its own lines above.\n{advice}",
        file=sys.stderr,
    )
    return CONFIGURATION_ERROR


def listeners(settings: Settings) -> list[Listener]:
    """The ports that the server listens on."""
    return [
        Listener("TEMPORAL_PORT", "127.0.0.1", settings.temporal_port),
        Listener("TEMPORAL_UI_PORT", "127.0.0.1", settings.temporal_ui_port),
    ]


def main() -> None:
    """Run the server in the foreground; SIGINT and SIGTERM stop it."""
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, lambda *_: sys.exit(0))
    os.umask(0o077)  # its state holds travellers' names
    settings = Settings.load()
    require_free(listeners(settings))
    state = StateFolder(settings.data_dir)
    state.claim()
    sys.exit(asyncio.run(until_stopped(serve(settings, find_or_get_binary(), state))))


async def until_stopped(serving: Coroutine[None, None, int]) -> int:
    """Serve until the server ends or a signal stops it; return the exit status."""
    task = asyncio.create_task(serving)
    for stop_signal in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(stop_signal, task.cancel)
    await asyncio.wait({task})
    return 0 if task.cancelled() else task.result()


if __name__ == "__main__":
    take_no_arguments(__doc__)
    main()
