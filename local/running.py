"""One run of a program."""

import asyncio
import os
import signal
from asyncio.subprocess import STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from local import children
from local.console import Lines


class Running:
    """A running program, in its own session, and its output."""

    def __init__(self, process: Process, output: Lines) -> None:
        self._process = process
        self._output = output

    @classmethod
    async def start(
        cls,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None,
        take: Callable[[str], None],
    ) -> Self:
        """Start a program; `take` is called with each line of its output."""
        # With one of asyncio's own pipes, `Process.wait` of Python 3.11 would not return until the
        # descendants of a dead process have closed it too.
        read_end, write_end = os.pipe()
        output = Lines(take)
        await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(read_end))
        try:
            process = await children.start(
                command,
                stdout=write_end,
                stderr=STDOUT,
                env=environment,
                own_session=True,
            )
        finally:
            os.close(write_end)
        return cls(process, output)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ended(self) -> int:
        """Wait for the end of the program, and kill what it leaves behind."""
        status = await self._process.wait()
        children.kill_group(self._process)  # an orphan would keep the port
        with suppress(TimeoutError):
            await asyncio.wait_for(self._output.ended.wait(), 1)
        return status

    def send(self, signum: signal.Signals) -> None:
        """Send a signal to it and its descendants."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signum)

    def terminate(self) -> None:
        """Ask it to end, also if it is frozen."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        self.send(signal.SIGCONT)

    async def stop(self, grace: float, hurry: asyncio.Event) -> None:
        """End it, by force once `grace` seconds are over or `hurry` is set."""
        self.terminate()
        await asyncio.wait(
            {asyncio.ensure_future(self._process.wait()), asyncio.ensure_future(hurry.wait())},
            timeout=grace,
            return_when=asyncio.FIRST_COMPLETED,
        )
        children.kill_group(self._process)
        await self.ended()
