"""A supervisor: starts programs in order, keeps them running, and stops them together."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from local.console import Console
from local.keeper import CannotRunError, Keeper, Program
from settings import CONFIGURATION_ERROR

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Stages = Sequence[Sequence[Keeper]]


class Order(NamedTuple):
    """What is to be done with a program."""

    program: str
    do: Callable[[Keeper], None]


async def supervise(
    *stages: Sequence[Program],
    when_started: Callable[[Console], Awaitable[None]],
    orders: Mapping[str, Order] | None = None,
) -> int:
    """Keep programs running until a signal arrives; return the exit status.

    A stage is started once the previous one is ready, and stopped before it. A program that ends
    with `CONFIGURATION_ERROR` stops everything; a second signal kills everything at once.

    Args:
        stages: The programs.
        when_started: Called once all are ready; cancelled if it still runs at the end.
        orders: What to do when a program that gives orders prints such a line. Nobody else can
            write to its output, so nobody else can give them.
    """
    console = Console([program.name for stage in stages for program in stage])

    def obey(line: str) -> None:
        if order := (orders or {}).get(line):
            order.do(named[order.program])

    keepers = [
        [Keeper(program, console, obey if program.gives_orders else None) for program in stage]
        for stage in stages
    ]
    named = {keeper.name: keeper for stage in keepers for keeper in stage}
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
