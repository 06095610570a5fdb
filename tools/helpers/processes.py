"""This project's programs, run as users run them: as processes with an environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tools.helpers.temporal_server import free_port

ROOT = Path(__file__).parents[2]


def wait_until(condition: Callable[[], object], timeout: float = 30) -> None:
    """Wait until a condition holds; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.02)


class Environment(dict[str, str]):
    """An environment with free ports, its own `DATA_DIR` and no other Temporal server."""

    def __init__(self, data_dir: Path, **changes: str) -> None:
        super().__init__(
            {name: it for name, it in os.environ.items() if not name.startswith("TEMPORAL_")}
        )
        for port in ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"):
            self[port] = str(free_port())
        self.update(HOST="127.0.0.1", DATA_DIR=str(data_dir), **changes)


class Started:
    """A started program and its descendants, which are recognised by their `DATA_DIR`."""

    def __init__(self, command: Sequence[str | Path], environment: Environment, log: Path) -> None:
        self.environment = environment
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        """Its output so far."""
        return self._log.read_text()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until its output contains a text `times` times; fail if it ends before."""
        wait_until(lambda: self.output.count(text) >= times or self.process.poll() is not None)
        assert self.output.count(text) >= times, self.output

    def status(self, timeout: float = 30) -> int:
        """Wait for its end, and return the exit status."""
        return self.process.wait(timeout)

    def pids(self, words: str = "") -> list[int]:
        """The ids of its descendants whose command line contains some words."""
        found = psutil.process_iter(["pid", "environ", "cmdline"])
        return [
            process.pid
            for process in found
            if process.pid != self.process.pid
            and (process.info["environ"] or {}).get("DATA_DIR") == self.environment["DATA_DIR"]
            and words in " ".join(process.info["cmdline"] or [])
        ]

    def kill(self, words: str) -> None:
        """Kill its only descendant whose command line contains some words."""
        wait_until(lambda: len(self.pids(words)) == 1)  # at first, a shell may have forked itself
        os.kill(self.pids(words)[0], signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill it, then its orphans."""
        self.process.kill()
        self.process.wait()
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.pids())


@contextmanager
def started(environment: Environment, log: Path, *command: str | Path) -> Iterator[Started]:
    """Run a Python program of this project; at the end no process is left.

    Args:
        environment: Its environment, with a `DATA_DIR` that no other program has.
        log: The file for its output, to append to.
        command: Its file or module, and its arguments.
    """
    program = Started([sys.executable, *command], environment, log)
    try:
        yield program
    finally:
        program.kill_all()
