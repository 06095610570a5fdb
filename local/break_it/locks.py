"""A lock on a SQLite file that keeps everybody else from writing."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

LONGEST_LOCK = 30.0
"""Seconds until a lock is released by itself: a leg that waits for it is then within its deadline
of a minute."""

WAIT = 3.0
"""Seconds to wait for another writer's turn to end."""


class FileLock:
    """The lock on one file, which this process can hold; its end releases it."""

    def __init__(self, file: Path, seconds: float = LONGEST_LOCK) -> None:
        self._file = file
        self._seconds = seconds
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._timer = threading.Timer(0, self.release)

    @property
    def held(self) -> bool:
        """Whether nobody else can write at present."""
        return self._connection is not None

    def hold(self) -> None:
        """Lock the file; again, and the time begins anew.

        Raises:
            sqlite3.OperationalError: Another writer did not let go of it.
        """
        with self._turn:
            self.release()
            # The timer's thread may be the one that closes it.
            connection = sqlite3.connect(
                self._file, isolation_level=None, timeout=WAIT, check_same_thread=False
            )
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                connection.close()
                raise
            self._connection = connection
            self._timer = threading.Timer(self._seconds, self.release)
            self._timer.daemon = True
            self._timer.start()

    def release(self) -> None:
        """Release the lock, if it is held."""
        with self._turn:
            self._timer.cancel()
            if self._connection:
                with closing(self._connection):
                    self._connection = None
