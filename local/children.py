"""Child processes that do not outlive their parent."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

if sys.platform == "linux":
    _prctl = ctypes.CDLL(None).prctl

PR_SET_PDEATHSIG = 1


async def start(
    command: Sequence[str | Path],
    *,
    stdout: int = DEVNULL,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
    own_session: bool = False,
) -> Process:
    """Start a program that ends when this process does, even if this one is killed.

    Args:
        command: The program and its arguments.
        stdout: Where its output goes, as for `subprocess`; by default, nowhere.
        stderr: Where its errors go, as for `subprocess`; by default, to this process's stderr.
        env: Its environment; by default, this process's.
        own_session: Detach it from this terminal, so Ctrl-C does not reach it.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=env,
        start_new_session=own_session,
        preexec_fn=partial(_die_with, os.getpid()),
    )


def _die_with(parent: int) -> None:
    """After a fork: have the kernel kill this process when its parent dies (only on Linux).

    A parent that is killed with SIGKILL cannot stop its children, and an orphaned server would
    keep the ports and the state file.
    """
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the call
            os._exit(1)


async def stop(process: Process, grace: float) -> None:
    """Terminate a process, and kill it if it has not ended after `grace` seconds."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def kill_group(process: Process) -> None:
    """Kill a process that has its own session, and its descendants, if any are left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"status {status}"
    return f"signal {-status}, {signal.strsignal(-status)}"
