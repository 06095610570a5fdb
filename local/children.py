"""Child processes that do not outlive the process that started them."""

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
    """Start a program that ends when this process does, even when this one is killed.

    Args:
        command: The program and its arguments.
        stdout: Where its output goes, as for `subprocess`; by default, nowhere.
        stderr: Where its errors go, as for `subprocess`; by default, where this process's go.
        env: Its environment; by default, that of this process.
        own_session: Start it away from this terminal, so that a Ctrl-C there does not reach it.
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
    """In a process that was just forked: have the kernel kill it when its parent dies.

    A parent that is killed with SIGKILL cannot stop its children, and a server left behind would
    hold the ports and the state file. Only Linux offers this.
    """
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)


async def stop(process: Process, grace: float) -> None:
    """Ask a process to end, and kill it if it has not done so in `grace` seconds."""
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
    """Kill what is left of a process that has a session of its own, and of its descendants."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def how_it_ended(status: int) -> str:
    """Return an exit status in words."""
    if status >= 0:
        return f"status {status}"
    return f"signal {-status}, {signal.strsignal(-status)}"
