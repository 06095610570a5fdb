"""The embedded Temporal server, tuned for one machine: `python -m local.run_temporal`."""

import asyncio
import signal
import sys
from asyncio import FIRST_COMPLETED
from collections.abc import Coroutine, Mapping
from pathlib import Path

from bookings.client import connect_config, let_sdk_rest
from local import children
from local.binary import find_or_get_binary, server_version
from local.namespace import prepared
from local.ports import Listener, require_free
from local.state import StateFolder
from settings import CONFIGURATION_ERROR, Settings

READY = "Temporal is ready"
"""How the line begins that is printed once bookings can be trusted to the server."""

SEARCH_ATTRIBUTES = {"BookingStatus": "Keyword", "Traveller": "Keyword", "Owner": "Keyword"}

SERVER_SETTINGS = {
    # These queues are read 20 times a second by default, for every shard; here there is one shard
    # for everything, and each step of each workflow waits its turn: 350 ms a booking, now 40 ms.
    # Timers, and with them retries, wait the same way when many bookings run at once. More queues
    # have that limit, but raising it there changes nothing.
    "history.transferProcessorMaxPollRPS": "10000",
    "history.timerProcessorMaxPollRPS": "10000",
    # By default no timer fires in less than a second, and so no retry starts sooner: time for the
    # clocks of several servers to differ. Here there is one clock.
    "history.timerProcessorMaxTimeShift": '"10ms"',
    # Visibility answers ten times a second by default, and a list of bookings asks it five times:
    # the third list in a second waited for the next one.
    "frontend.namespaceRPS.visibility": "1000",
    # A task in one of four partitions, a worker's poll in another: they find each other only after
    # a detour that can take two seconds.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    # The worker that ends a workflow task may get the next activity in the same answer.
    "system.enableActivityEagerExecution": "true",
}

SQLITE_PRAGMAS = {
    # Twice as many bookings a second as with a rollback journal.
    "journal_mode": "wal",
    # What was acknowledged survives a power cut; `normal` is faster, and does not promise it.
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
    """Return the command that runs the server on loopback.

    Args:
        binary: The Temporal CLI.
        port: The port of its gRPC interface.
        ui_port: The port of its Web UI; None leaves the Web UI out.
        db_file: The file that keeps its state; None keeps the state in memory.
        namespace: A namespace that is to exist, beside `default`.
        search_attributes: Names and types of the search attributes that a new state begins with.
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
    preparing = asyncio.create_task(prepared(port, namespace, SEARCH_ATTRIBUTES))
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
        await asyncio.gather(children.stop(server, STOP_SECONDS), let_sdk_rest())


def could_not_start(status: int | None, binary: Path, version: str, state: StateFolder) -> int:
    """Tell why the server is not there; return the exit status."""
    if status is None:
        print(f"Temporal's server is not ready after {START_SECONDS} s.", file=sys.stderr)
        return 1
    if status < 0:
        how = children.how_it_ended(status)
        print(f"Temporal's server ended while it started ({how}).", file=sys.stderr)
        return 1
    earlier = state.written_by()
    if earlier in {None, version}:
        advice = (
            f"Its state is in {state.db_file}."
            " If that file is the cause, set DATA_DIR to another folder to begin anew."
        )
    else:
        advice = (
            f"{state.db_file} was written by Temporal server {earlier}; this is {version}.\n"
            f"Put a Temporal CLI with server {earlier} on PATH (`temporal --version` tells),"
            " or set DATA_DIR to another folder to begin anew."
        )
    print(
        f"Temporal's server ({binary}) cannot start; the lines above are its own.\n{advice}",
        file=sys.stderr,
    )
    return CONFIGURATION_ERROR


def listeners(settings: Settings) -> list[Listener]:
    """Return the ports that the server listens on."""
    return [
        Listener("TEMPORAL_PORT", "127.0.0.1", settings.temporal_port),
        Listener("TEMPORAL_UI_PORT", "127.0.0.1", settings.temporal_ui_port),
    ]


def main() -> None:
    """Run the server in the foreground; SIGINT and SIGTERM stop it."""
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, lambda *_: sys.exit(0))
    settings = Settings.load()
    require_free(listeners(settings))
    state = StateFolder(settings.data_dir)
    state.claim()
    sys.exit(asyncio.run(until_stopped(serve(settings, find_or_get_binary(), state))))


async def until_stopped(serving: Coroutine[None, None, int]) -> int:
    """Serve until that ends by itself, or a signal ends it; return the exit status."""
    task = asyncio.create_task(serving)
    for stop_signal in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(stop_signal, task.cancel)
    await asyncio.wait({task})
    return 0 if task.cancelled() else task.result()


if __name__ == "__main__":
    main()
