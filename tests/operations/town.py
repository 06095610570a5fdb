"""A system to audit, and the damage that is done to its books."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from operations.audit.auditor import Report, audit
from operations.audit.shops import Shop, SqlShop
from shared import Leg
from tests.saga.world import Handle, World
from tools.helpers.processes import ROOT, Environment


@dataclass
class Town:
    """A world on a Temporal server of its own, so that an audit sees nothing else."""

    world: World
    temporal_port: int

    @property
    def shops(self) -> list[Shop]:
        return [SqlShop(f"sqlite:///{self.database(leg)}", leg) for leg in Leg]

    def database(self, leg: Leg) -> Path:
        return self.world.folder / f"{leg}.db"

    def dump(self, leg: Leg) -> list[str]:
        """All that is in a supplier's books."""
        # Not the file's bytes: closing it here would take SQLite's locks away from this process.
        with closing(sqlite3.connect(self.database(leg))) as books:
            return list(books.iterdump())

    async def audit(self) -> Report:
        return await audit(self.world.client, self.shops, moment=0.02)

    async def booked(self, **fields: Any) -> Handle:
        """A booking that has ended."""
        handle = await self.world.start(**fields)
        await handle.result()
        return handle

    async def cancelled(self) -> Handle:
        """A trip that was booked, and then cancelled."""
        handle = await self.booked()
        await (await self.world.cancel_booked(handle)).result()
        return handle

    async def command(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run `python -m operations audit`; its exit status, and what it prints."""
        environment = Environment(self.world.folder, **variables)
        environment.setdefault("TEMPORAL_ADDRESS", f"127.0.0.1:{self.temporal_port}")
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "operations", "audit", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    @contextmanager
    def damaged(self, leg: Leg, *statements: str, **values: str) -> Iterator[None]:
        """Change a supplier's books as no supplier would; at the end they are as before."""
        with ExitStack() as stack:
            books = stack.enter_context(closing(sqlite3.connect(self.database(leg))))
            backup = stack.enter_context(closing(sqlite3.connect(":memory:")))
            books.backup(backup)
            books.execute("PRAGMA ignore_check_constraints = ON")
            for statement in statements:
                assert books.execute(statement, values).rowcount, f"changes nothing: {statement}"
            books.commit()
            try:
                yield
            finally:
                backup.backup(books)


def new_booking_id() -> str:
    return f"trip-{uuid4().hex}"
