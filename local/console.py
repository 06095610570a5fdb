"""One terminal for the lines of several programs."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import cycle

COLOURS = ("35", "36", "32", "33", "34")


class Console:
    """Prints each line behind the name of the program that it is from.

    Args:
        names: The programs.
        own_name: The one that starts them.
    """

    def __init__(self, names: Sequence[str], own_name: str = "run") -> None:
        self._own_name = own_name
        self._width = max(map(len, names))
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._colours = dict(zip(names, cycle(COLOURS), strict=False)) if coloured else {}

    def show(self, name: str, line: str) -> None:
        """Print one line of a program."""
        mark = f"{name:<{self._width}} |"
        if name in self._colours:
            mark = f"\x1b[{self._colours[name]}m{mark}\x1b[0m"
        self.print(f"{mark} {line}")

    def say(self, line: str) -> None:
        """Print one line of the program that starts the others."""
        self.show(self._own_name, line)

    def print(self, text: str) -> None:
        """Print a text as it is."""
        with suppress(OSError):  # the terminal is gone; the programs are still to be stopped
            os.write(sys.stdout.fileno(), f"{text}\n".encode())


class Lines(asyncio.Protocol):
    """Cuts what comes out of a pipe into lines, and hands them on."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Hand on the lines that are complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on what is left: nobody writes to the pipe any more."""
        if self._rest:
            self._take(self._rest.decode(errors="replace"))
        self.ended.set()
