"""Keeps one program running."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from local import children
from local.console import Console
from local.running import Running
from settings import CONFIGURATION_ERROR

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds until a program is restarted; doubled after each quick crash."""

STEADY_SECONDS = 10
"""A crash after that many seconds is not a quick one: the pause is the first one again."""


@dataclass(frozen=True)
class Program:
    """A program to keep running.

    Attributes:
        name: The label of its output.
        command: The program and its arguments.
        ready_line: The start of the line that it prints once ready; empty: it is ready at once.
        grace: Seconds from SIGTERM until it and its descendants are killed.
        pid_file: The file for its process id, for people who want to kill it.
        environment: Its environment; None: that of this process.
        gives_orders: Whether its lines may be orders to the supervisor.
    """

    name: str
    command: Sequence[str | Path]
    ready_line: str = ""
    grace: float = 3
    pid_file: Path | None = None
    environment: Mapping[str, str] | None = None
    gives_orders: bool = False


class CannotRunError(Exception):
    """A program cannot run as configured, so restarting it would not help."""


class Keeper:
    """Starts a program, restarts it when it dies, shows its output, and stops it.

    Args:
        program: The program.
        console: Where its output is shown.
        heard: Called with each line of its output.

    Attributes:
        name: The program's name.
        ready: Set once the program is ready.
    """

    def __init__(
        self, program: Program, console: Console, heard: Callable[[str], None] | None = None
    ) -> None:
        self.name = program.name
        self._program = program
        self._console = console
        self._heard = heard
        self._running: Running | None = None
        self._wanted = asyncio.Event()
        self._wanted.set()
        self.ready = asyncio.Event()
        if not program.ready_line:
            self.ready.set()

    async def keep(self) -> NoReturn:
        """Keep the program running; after a cancellation, call `stop` to end it.

        Raises:
            CannotRunError: It ended with `CONFIGURATION_ERROR`.
        """
        name = self._program.name
        pause = FIRST_PAUSE
        while True:
            await self._wanted.wait()
            started, program = time.monotonic(), self._program
            self._running = await Running.start(program.command, program.environment, self._take)
            self._note_pid(self._running.pid)
            if program is not self._program or not self._wanted.is_set():
                self._running.terminate()  # told so while it was being started
            status = await self._running.ended()
            self._running = None
            self._forget_pid()
            if status == CONFIGURATION_ERROR:
                self._console.say(f"{name} cannot run as configured; see its last lines above")
                raise CannotRunError
            if time.monotonic() - started >= STEADY_SECONDS:
                pause = FIRST_PAUSE
            how = children.how_it_ended(status)
            if not self._wanted.is_set():
                self._console.say(f"{name} ended ({how}), and stays down until it is started")
                continue
            self._console.say(f"{name} ended ({how}); restarting it in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stop the program, by force once its grace is over or `hurry` is set."""
        if self._running:
            await self._running.stop(self._program.grace, hurry)
            self._forget_pid()

    def kill(self) -> None:
        """Kill the program, as a crash would."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the program in the middle of whatever it does."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen program go on."""
        self._signal(signal.SIGCONT)

    def hold(self) -> None:
        """Stop the program, and keep it down until `let_go`."""
        self._wanted.clear()
        if self._running:
            self._running.terminate()

    def let_go(self) -> None:
        """Start the program again after `hold`."""
        self._wanted.set()

    def deploy(self, program: Program) -> None:
        """Run another version of the program from now on."""
        self._program = program
        self.kill()

    def _signal(self, signum: signal.Signals) -> None:
        if self._running:
            self._running.send(signum)

    def _note_pid(self, pid: int) -> None:
        if self._program.pid_file:
            with suppress(OSError):  # what needs the folder says so itself
                self._program.pid_file.parent.mkdir(parents=True, exist_ok=True)
                self._program.pid_file.write_text(f"{pid}\n")

    def _forget_pid(self) -> None:
        if self._program.pid_file:  # the number may soon be another program's
            self._program.pid_file.unlink(missing_ok=True)

    def _take(self, line: str) -> None:
        self._console.show(self._program.name, line)
        if self._program.ready_line and line.startswith(self._program.ready_line):
            self.ready.set()
        if self._heard:
            self._heard(line)
