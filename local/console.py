"""The output of several programs in one terminal."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from itertools import cycle

from runtime.output import NeverBlocks

COLOURS = ("35", "36", "32", "33", "34")


class Console:
    """Prints each line with the name of its program in front; waits for no reader.

    Args:
        names: The programs.
        own_name: The name of the program that starts them.
    """

    def __init__(self, names: Sequence[str], own_name: str = "run") -> None:
        self._own_name = own_name
        self._stdout = NeverBlocks(sys.stdout.fileno())
        self._width = max(map(len, names))
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._colours = dict(zip(names, cycle(COLOURS), strict=False)) if coloured else {}

    def show(self, name: str, line: str) -> None:
        """Print a line of a program."""
        mark = f"{name:<{self._width}} |"
        if name in self._colours:
            mark = f"\x1b[{self._colours[name]}m{mark}\x1b[0m"
        self.print(f"{mark} {line}")

    def say(self, line: str) -> None:
        """Print a line of the program that starts the others."""
        self.show(self._own_name, line)

    def print(self, text: str) -> None:
        """Print a text without a name."""
        self._stdout.write(f"{text}\n".encode())


class Lines(asyncio.Protocol):
    """Splits the output of a pipe into lines, and passes them on."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Pass on the complete lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on the rest: every writer has closed the pipe."""
        if self._rest:
            self._take(self._rest.decode(errors="replace"))
        self.ended.set()
