"""Carrying out the plan's faults on the processes and databases of one site."""

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools.chaos.plan import Act, Fault, Victim
from tools.chaos.site import Site

COMMANDS = {
    Victim.WORKER: "run_worker.py",
    Victim.WEB: "run_workflow.py",
    Victim.WEB_CHILD: "run_workflow.py",
    Victim.TEMPORAL: "temporal server",
}
LOOK_AGAIN = 0.1


@dataclass
class Done:
    """A fault that was carried out on one victim, and when that began; `clock` is for the logs."""

    act: Act
    victim: Victim
    at: float
    clock: str


@dataclass
class Havoc:
    """What goes wrong at a site; `done` has everything that did."""

    site: Site
    done: list[Done] = field(default_factory=list)

    async def wreak(self, plan: Iterable[Fault]) -> None:
        """Carry out a plan until cancelled; what is frozen or locked is let go of then too."""
        async with asyncio.TaskGroup() as lasting:
            for fault in plan:
                await asyncio.sleep(fault.pause)
                match fault.act:
                    case Act.KILL:
                        await self._kill(fault)
                    case Act.FREEZE:
                        lasting.create_task(self._freeze(fault))
                    case Act.LOCK:
                        lasting.create_task(self._lock(fault))

    async def _kill(self, fault: Fault) -> None:
        """Kill the victims as nearly at once as can be, waiting for those that are just away."""
        pids = {victim: await self._pid(victim, fault.which) for victim in fault.victims}
        for victim, pid in pids.items():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._note(Act.KILL, victim)

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
            except sqlite3.OperationalError:  # another lock, or a worker that is frozen, has it
                return
            self._note(Act.LOCK, victim)
            let_go.wait(seconds)

    async def _pid(self, victim: Victim, which: float) -> int:
        """Wait until there is such a process."""
        while True:
            if pids := self._pids(victim):
                return pids[int(which * len(pids))]
            await asyncio.sleep(LOOK_AGAIN)

    def _pids(self, victim: Victim) -> list[int]:
        pids = sorted(self.site.system.pids(COMMANDS[victim]))
        if victim in {Victim.WEB, Victim.WEB_CHILD}:  # both have the same command line
            child = victim is Victim.WEB_CHILD
            return [pid for pid in pids if (parent(pid) in pids) is child]
        return pids

    def _note(self, act: Act, victim: Victim) -> None:
        self.done.append(Done(act, victim, time.monotonic(), time.strftime("%H:%M:%S")))


def parent(pid: int) -> int:
    """The process that started this one; 0 if it is gone."""
    try:
        # The name before the parenthesis may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
