"""What staff did: an append-only file that outlives Temporal's retention."""

import asyncio
import fcntl
import logging
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, Field, ValidationError

SHOWN = 50
TAIL = 1 << 18
"""How many bytes at the file's end are read: far more than the acts that are shown need."""

logger = logging.getLogger(__name__)


class Act(BaseModel):
    """Who did what to which booking, what they wrote about it, and what became of it.

    A line is written before the act, without a result, and one with the same id after it. `user` is
    the account at the operating system, where it was done by command.
    """

    id: str = Field(default_factory=lambda: secrets.token_hex(8))
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    who: str
    user: str | None = None
    act: str
    booking_id: str
    note: str = ""
    result: str | None = None


class NotWritten(Exception):
    """The log cannot be written, so the act was not begun."""


class Latest(NamedTuple):
    """The last acts, the newest first, and how many lines among them cannot be read."""

    acts: list[Act]
    unreadable: int


class StaffLog:
    """The log of one service, a JSON object a line; several processes may share its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def recorded(self, act: Act) -> AsyncIterator[None]:
        """Do the act inside: before it, it is on the disk, and after it, so is what became of it.

        Raises:
            NotWritten: Nothing was done.
        """
        try:
            await asyncio.to_thread(self._append, act)
        except OSError as error:
            raise NotWritten(f"The staff log cannot be written: {error}") from error
        try:
            yield
        except Exception as error:
            await self._conclude(act, f"failed: {error}")
            raise
        await self._conclude(act, "done")

    async def _conclude(self, act: Act, result: str) -> None:
        ended = act.model_copy(update={"at": datetime.now(UTC), "result": result})
        try:
            await asyncio.to_thread(self._append, ended)
        except OSError as error:  # too late to refuse the act
            logger.error("The result of %s is not in the staff log: %s", act.act, error)

    def _append(self, act: Act) -> None:
        line = act.model_dump_json(exclude_none=True).encode() + b"\n"
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if (size := os.fstat(file).st_size) and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line  # somebody died while writing, or the disk was full
            while line:
                line = line[os.write(file, line) :]
            os.fsync(file)
        finally:
            os.close(file)

    def latest(self) -> Latest:
        """The last acts, from the end of the file."""
        try:
            with self._path.open("rb") as file:
                start = max(0, file.seek(0, os.SEEK_END) - TAIL)
                file.seek(start)
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return Latest([], 0)
        return self._parsed(lines[bool(start) :])

    @staticmethod
    def _parsed(lines: Iterable[bytes]) -> Latest:
        """The newest line about each act."""
        found, unreadable = dict[str, Act](), 0
        for line in reversed([line for line in lines if line]):
            if len(found) == SHOWN:
                break
            try:
                act = Act.model_validate_json(line)
            except ValidationError:
                unreadable += 1
            else:
                found.setdefault(act.id, act)
        return Latest(list(found.values()), unreadable)


def staff_log_at(path: Path | None, data_dir: Path) -> StaffLog:
    """The log at a path, or by default in the data folder, which is made if it is missing."""
    if path is None:
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir / "staff.log"
    return StaffLog(path)
