"""The folder of the embedded server's state."""

import fcntl
from pathlib import Path
from typing import IO

from settings import give_up


class StateFolder:
    """`DATA_DIR`, which one server at a time can claim.

    Attributes:
        db_file: The server's state file.
        pid_file: The file for its process id, for people who want to kill it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.db_file = folder / "temporal.db"
        self.pid_file = folder / "temporal.pid"
        self._version = folder / "temporal-version.txt"
        self._unfinished = folder / "temporal-unfinished.txt"
        self._lock: IO[str] | None = None

    def claim(self) -> None:
        """Lock the folder until this process ends; if that fails, end with a message."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / "temporal.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._begin()
        except BlockingIOError:
            give_up(
                f"Another Temporal server is using {self._folder}."
                " Stop it, or set DATA_DIR to another folder."
            )
        except OSError as error:
            give_up(
                f"Temporal's state cannot be kept in {self._folder}: {error.strerror}.\n"
                "Set DATA_DIR to a writable folder."
            )

    def _begin(self) -> None:
        # The server creates its tables only if there is no file. One that was killed in between has
        # accepted nothing, and its file would never work.
        if self._unfinished.exists():
            for leftover in self._folder.glob("temporal.db*"):
                leftover.unlink()
        if not self.db_file.exists():
            self._unfinished.touch()

    def started(self, version: str) -> None:
        """Record that a server of this version has opened the state file."""
        self._version.write_text(f"{version}\n")
        self._unfinished.unlink(missing_ok=True)

    def written_by(self) -> str | None:
        """The version of the last server that opened the state file; None for a new folder."""
        return self._version.read_text().strip() if self._version.exists() else None
