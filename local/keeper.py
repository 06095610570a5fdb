"""Keeps one program running."""

import asyncio
import os
import time
from asyncio.subprocess import STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from local import children
from local.console import Console, Lines
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
    """

    name: str
    command: Sequence[str | Path]
    ready_line: str = ""
    grace: float = 3
    pid_file: Path | None = None
    environment: Mapping[str, str] | None = None


class CannotRunError(Exception):
    """A program cannot run as configured, so restarting it would not help."""


class Keeper:
    """Starts a program, restarts it when it dies, shows its output, and stops it.

    Attributes:
        ready: Set once the program is ready.
    """

    def __init__(self, program: Program, console: Console) -> None:
        self._program = program
        self._console = console
        self._running: _Running | None = None
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
            started = time.monotonic()
            self._running = await _Running.start(self._program, self._take)
            self._note_pid(self._running.pid)
            status = await self._running.ended()
            self._running = None
            self._forget_pid()
            if status == CONFIGURATION_ERROR:
                self._console.say(f"{name} cannot run as configured; see its last lines above")
                raise CannotRunError
            if time.monotonic() - started >= STEADY_SECONDS:
                pause = FIRST_PAUSE
            how = children.how_it_ended(status)
            self._console.say(f"{name} ended ({how}); restarting it in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stop the program, by force once its grace is over or `hurry` is set."""
        if self._running:
            await self._running.stop(self._program.grace, hurry)
            self._forget_pid()

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


class _Running:
    """A running program, in its own session, and its output."""

    def __init__(self, process: Process, output: Lines) -> None:
        self._process = process
        self._output = output

    @classmethod
    async def start(cls, program: Program, take: Callable[[str], None]) -> Self:
        # With one of asyncio's own pipes, `Process.wait` of Python 3.11 would not return until the
        # descendants of a dead process have closed it too.
        read_end, write_end = os.pipe()
        output = Lines(take)
        await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(read_end))
        try:
            process = await children.start(
                program.command,
                stdout=write_end,
                stderr=STDOUT,
                env=program.environment,
                own_session=True,
            )
        finally:
            os.close(write_end)
        return cls(process, output)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ended(self) -> int:
        """Wait for the end of the program, and kill what it leaves behind."""
        status = await self._process.wait()
        children.kill_group(self._process)  # an orphan would keep the port
        with suppress(TimeoutError):
            await asyncio.wait_for(self._output.ended.wait(), 1)
        return status

    async def stop(self, grace: float, hurry: asyncio.Event) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        await asyncio.wait(
            {asyncio.ensure_future(self._process.wait()), asyncio.ensure_future(hurry.wait())},
            timeout=grace,
            return_when=asyncio.FIRST_COMPLETED,
        )
        children.kill_group(self._process)
        await self.ended()
