"""A supervisor: starts programs in order, keeps them running, and stops them together."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from local.console import Console
from local.keeper import CannotRunError, Keeper, Program
from settings import CONFIGURATION_ERROR

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Stages = Sequence[Sequence[Keeper]]


async def supervise(
    *stages: Sequence[Program], when_started: Callable[[Console], Awaitable[None]]
) -> int:
    """Keep programs running until a signal arrives; return the exit status.

    A stage is started once the previous one is ready, and stopped before it. A program that ends
    with `CONFIGURATION_ERROR` stops everything; a second signal kills everything at once.

    Args:
        stages: The programs.
        when_started: Called once all are ready; cancelled if it still runs at the end.
    """
    console = Console([program.name for stage in stages for program in stage])
    keepers = [[Keeper(program, console) for program in stage] for stage in stages]
    work = asyncio.create_task(_keep(keepers, lambda: when_started(console)))
    hurry = asyncio.Event()

    def on_signal() -> None:
        if work.done():
            hurry.set()
        work.cancel()

    for stop_signal in STOP_SIGNALS:
        if stop_signal is signal.SIGHUP and signal.getsignal(stop_signal) is signal.SIG_IGN:
            continue  # `nohup` has asked for it to be ignored
        asyncio.get_running_loop().add_signal_handler(stop_signal, on_signal)
    await asyncio.wait({work})
    console.say("stopping everything")
    for stage in reversed(keepers):
        await asyncio.gather(*(keeper.stop(hurry) for keeper in stage))
    return 0 if work.cancelled() else work.result()


async def _keep(stages: Stages, when_started: Callable[[], Awaitable[None]]) -> int:
    """Start everything in order, and keep it running until something cannot run."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for stage in stages:
                for keeper in stage:
                    tasks.create_task(keeper.keep())
                for keeper in stage:
                    await keeper.ready.wait()
            await when_started()
    except* CannotRunError:
        pass
    return CONFIGURATION_ERROR
