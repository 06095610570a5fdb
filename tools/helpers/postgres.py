"""A temporary PostgreSQL server for tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

NEW_CLUSTER = ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
SIZE = "-c max_connections=200 -c shared_buffers=32MB"
SPEED = "-c fsync=off -c full_page_writes=off"


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs, which Debian keeps off the PATH; None: not installed."""
    if on_path := shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    return max(installed, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[str]:
    """Run a new, empty server on loopback, and yield the URL of its `postgres` database.

    The tests do not cut the power, so unless it must be `durable`, it is fast.
    """
    programs = find_postgres()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    data, log, port = folder / "data", folder / "log", _free_port()
    # It listens only on loopback, and needs no folder for Unix sockets.
    listen = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories=''"
    options = f"{listen} {SIZE} {'' if durable else SPEED}"
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
        _run(programs, folder, "initdb", "-D", data, *NEW_CLUSTER)
        _run(programs, folder, "pg_ctl", "start", "-D", data, "-l", log, "-o", options)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(programs, folder, "pg_ctl", "stop", "-D", data, "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def restart(pid: int) -> None:
    """Crash a PostgreSQL server, and start it again; it recovers what was committed.

    Args:
        pid: The process id of the server.
    """
    server = psutil.Process(pid)
    command = server.cmdline()
    data = Path(command[command.index("-D") + 1])
    programs = Path(command[0]).parent
    again: list[str | Path] = ["restart", "-D", data, "-m", "immediate", "-l", data.parent / "log"]
    # Whoever recognises it by its environment must still do so.
    _run(programs, data.parent, "pg_ctl", *again, environment=server.environ())


def _run(
    programs: Path,
    folder: Path,
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    command = [programs / program, *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    output = folder / "output"  # a file: the server would keep a pipe open
    with output.open("w") as file:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=file, stderr=file, check=False
        )
    if done.returncode:
        texts = [path.read_text() for path in (output, folder / "log") if path.exists()]
        raise RuntimeError(f"{program} failed:\n" + "\n".join(texts))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
