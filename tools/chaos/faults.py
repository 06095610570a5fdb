"""Injects the plan's faults into a site's processes and databases."""

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field

from tools.chaos.plan import Act, Fault, Victim
from tools.chaos.site import Site
from tools.helpers.postgres import restart

COMMANDS = {
    Victim.WORKER: "run_worker.py",
    Victim.WEB: "run_workflow.py",
    Victim.TEMPORAL: "temporal server",
    Victim.FRONTEND: "temporal-server --allow-no-auth start --service frontend",
    Victim.HISTORY: "--service history",
    Victim.MATCHING: "--service matching",
    Victim.SUPPLIER: "suppliers serve",
    Victim.POSTGRES: "bin/postgres -D",
}
LOOK_AGAIN = 0.1


@dataclass
class Done:
    """An injected fault, with one victim and the time; `clock` is for comparison with logs."""

    act: Act
    victim: Victim
    at: float
    clock: str


@dataclass
class Havoc:
    """Injects faults into a site; `done` lists them."""

    site: Site
    done: list[Done] = field(default_factory=list)

    async def wreak(self, plan: Iterable[Fault]) -> None:
        """Carry out a plan until cancelled, which also ends all freezes and locks."""
        async with asyncio.TaskGroup() as lasting:
            for fault in plan:
                await asyncio.sleep(fault.pause)
                match fault.act:
                    case Act.KILL:
                        await self._kill(fault)
                    case Act.FREEZE:
                        lasting.create_task(self._freeze(fault))
                    case Act.RESTART:
                        await self._restart(fault)
                    case Act.LOCK:
                        lasting.create_task(self._lock(fault))

    async def _kill(self, fault: Fault) -> None:
        """Kill all victims at once, as nearly as possible, after waiting for missing ones."""
        pids = {victim: await self._pid(victim, fault.which) for victim in fault.victims}
        for victim, pid in pids.items():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._note(Act.KILL, victim)

    async def _restart(self, fault: Fault) -> None:
        """Restart PostgreSQL as after a crash."""
        for victim in fault.victims:
            pid = await self._pid(victim, fault.which)
            await asyncio.to_thread(restart, pid)
            self._note(Act.RESTART, victim)

    async def _freeze(self, fault: Fault) -> None:
        for victim in fault.victims:
            pid = await self._pid(victim, fault.which)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._note(Act.FREEZE, victim)
                try:
                    await asyncio.sleep(fault.seconds)
                finally:
                    os.kill(pid, signal.SIGCONT)

    async def _lock(self, fault: Fault) -> None:
        let_go = threading.Event()
        try:
            for victim in fault.victims:
                await asyncio.to_thread(self._hold_lock, victim, fault.seconds, let_go)
        finally:
            let_go.set()

    def _hold_lock(self, victim: Victim, seconds: float, let_go: threading.Event) -> None:
        database = self.site.database(victim)
        with closing(sqlite3.connect(database, isolation_level=None, timeout=5)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:  # another lock, or a frozen worker, holds it
                return
            self._note(Act.LOCK, victim)
            let_go.wait(seconds)

    async def _pid(self, victim: Victim, which: float) -> int:
        """The id of such a process; waits until there is one."""
        while True:
            if pids := self._pids(victim):
                return pids[int(which * len(pids))]
            await asyncio.sleep(LOOK_AGAIN)

    def _pids(self, victim: Victim) -> list[int]:
        return sorted(self.site.system.pids(COMMANDS[victim]))

    def _note(self, act: Act, victim: Victim) -> None:
        self.done.append(Done(act, victim, time.monotonic(), time.strftime("%H:%M:%S")))
