"""What staff did: an append-only file that outlives Temporal's retention."""

import os
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

SHOWN = 50


class Entry(BaseModel):
    """Who did what to which booking, and what they wrote about it."""

    at: datetime
    who: str
    act: str
    booking_id: str
    note: str = ""


class StaffLog:
    """The log of one service, a JSON object a line; several processes may share its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, who: str, act: str, booking_id: str, note: str = "") -> None:
        """Write before the act is done, so that none is missing, and wait until it is on the disk.

        Raises:
            OSError: It cannot be written; then nothing must be done.
        """
        entry = Entry(at=datetime.now(UTC), who=who, act=act, booking_id=booking_id, note=note)
        line = entry.model_dump_json().encode() + b"\n"
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)

    def latest(self) -> list[Entry]:
        """The last entries, the newest first."""
        try:
            with self._path.open(encoding="utf-8") as lines:
                found = deque(lines, SHOWN)
        except FileNotFoundError:
            return []
        return [Entry.model_validate_json(line) for line in reversed(found)]


def staff_log_at(path: Path | None, data_dir: Path) -> StaffLog:
    """The log at a path, or by default in the data folder, which is made if it is missing."""
    if path is None:
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir / "staff.log"
    return StaffLog(path)
