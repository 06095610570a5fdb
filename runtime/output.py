"""What a process prints: if nobody reads it, lines are lost, and nothing waits."""

import atexit
import io
import os
import select
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MOST_WAITING = 1 << 20
"""Bytes that are kept until they are read."""

LAST_SECONDS = 1.0
"""How long the end of the process waits for its last lines to be read."""


class NeverBlocks(io.RawIOBase):
    """A file descriptor that a thread writes to, so that no other thread waits for its reader.

    Once too much waits, all that comes is dropped until the rest has been read; then a line tells
    how many lines are missing there. The descriptor itself stays as it is: other programs share it.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting = bytearray()
        self._lost = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._pass_on, name="output", daemon=True).start()
        atexit.register(self._finish)

    def writable(self) -> bool:
        """True, as `io` asks."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Take all of the data, or drop all of it."""
        data = bytes(data)
        with self._changed:
            if self._lost or len(self._waiting) + len(data) > MOST_WAITING:
                self._lost += data.count(b"\n")
            else:
                self._waiting += data
            self._changed.notify_all()
        return len(data)

    def _pass_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._unread)
                if not self._waiting:
                    self._waiting += b"(%d lines are missing: nobody was reading)\n" % self._lost
                    self._lost = 0
                part = bytes(self._waiting[: select.PIPE_BUF])
            try:
                select.select([], [self._fd], [])  # another program may have made it non-blocking
                written = os.write(self._fd, part)
            except OSError:  # the terminal is gone
                written = len(part)
            with self._changed:
                del self._waiting[:written]
                self._changed.notify_all()

    def _unread(self) -> bool:
        return bool(self._waiting or self._lost)

    def _finish(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._unread(), LAST_SECONDS)
