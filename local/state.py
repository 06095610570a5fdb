"""The folder where the embedded server keeps its state."""

import fcntl
from pathlib import Path
from typing import IO

from settings import give_up


class StateFolder:
    """`DATA_DIR`, claimed by one server at a time.

    Attributes:
        db_file: The server's state file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.db_file = folder / "temporal.db"
        self._version = folder / "temporal-version.txt"
        self._unfinished = folder / "temporal-unfinished.txt"
        self._lock: IO[str] | None = None

    def claim(self) -> None:
        """Take the folder for this process, until it ends; end with a message if that fails."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / "temporal.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._begin()
        except BlockingIOError:
            give_up(
                f"Another Temporal server is using {self._folder}:"
                " stop it, or set DATA_DIR to another folder."
            )
        except OSError as error:
            give_up(
                f"Temporal's state cannot be kept in {self._folder}: {error.strerror}.\n"
                "Set DATA_DIR to a folder that can be written."
            )

    def _begin(self) -> None:
        # The server makes its tables only when there is no file. One that was killed while it made
        # them has accepted nothing, and what it left would never start again.
        if self._unfinished.exists():
            for leftover in self._folder.glob("temporal.db*"):
                leftover.unlink()
        if not self.db_file.exists():
            self._unfinished.touch()

    def started(self, version: str) -> None:
        """Record that a server of this version has started on the state file."""
        self._version.write_text(f"{version}\n")
        self._unfinished.unlink(missing_ok=True)

    def written_by(self) -> str | None:
        """Return the version of the server that last started here; None for a new folder."""
        return self._version.read_text().strip() if self._version.exists() else None
