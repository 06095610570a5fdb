"""Run published shapes of a saga, and ours, under the test kit; print what each loses.

It starts a Temporal server of its own, and ends it. It takes some minutes.
"""

import asyncio
import logging
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from examples.gallery.partners import Partners, Trip
from examples.gallery.shapes import SHAPES, WITHOUT_FENCE
from tools.helpers.temporal_server import temporal_server
from tools.saga_kit import Case, Handle, Kit, Report, Verdict, every_case

README = Path(__file__).parent / "README.md"
COLUMNS = [Verdict.LEFT_BEHIND, Verdict.DOUBLED, Verdict.WRONG_OUTCOME, Verdict.NEVER_ENDED]
HASTY, STEADY = 3, 60


def kit_for(client: Client, shape: type) -> Kit:
    """The kit with a shape and partners of its own."""
    partners, queue = Partners(fence=shape not in WITHOUT_FENCE), shape.__name__
    activities = [partners.book, partners.book_with_new_key, partners.undo]

    def worker(**changes: Any) -> Worker:
        usual = {"workflows": [shape], "activities": activities}
        runner = UnsandboxedWorkflowRunner()  # the sandbox would take most of the time
        return Worker(client, task_queue=queue, workflow_runner=runner, **{**usual, **changes})

    async def start(key: str, case: Case) -> Handle:
        trip = Trip(key, HASTY if case.waits_for_its_deadline else STEADY)
        return await client.start_workflow(queue, trip, id=key, task_queue=queue)

    return Kit(start, worker, partners.held, said_booked=bool)


async def play(client: Client, shape: type) -> Report:
    """Play every case of a shape, without the worker's memory of workflows."""
    kit = kit_for(client, shape)
    return await kit.play(every_case(await kit.learn(), cached=False))


def row(number: int, shape: type, report: Report) -> str:
    """A line of the table."""
    met = len(report.results) - report.count(Verdict.NOT_MET)
    counts = [f"{met} of {report.cases}", *(str(report.count(column)) for column in COLUMNS)]
    name = f"`saga.py` (`{shape.__name__}`)" if number == len(SHAPES) else f"`{shape.__name__}`"
    return f"| {' | '.join([name, *counts])} |"


async def table(client: Client) -> str:
    """The table of all shapes."""
    rows = [row(at, it, await play(client, it)) for at, it in enumerate(SHAPES, 1)]
    head = ["shape", "cases met", *COLUMNS]
    return "\n".join([f"| {' | '.join(head)} |", "| --- " + "| ---: " * 5 + "|", *rows])


def split(page: str) -> list[str]:
    """The page in three parts: before, of and after the table."""
    before, begin, rest = page.partition("<!-- table -->\n")
    found, end, after = rest.partition("<!-- end -->\n")
    return [before + begin, found, end + after]


async def main() -> None:
    """Print the table, or write it into the page."""
    parser = ArgumentParser(prog="python -m examples.gallery", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    write = parser.parse_args().write
    logging.disable()  # failures are what it is about
    with temporal_server() as port:
        found = await table(await Client.connect(f"127.0.0.1:{port}"))
        await asyncio.sleep(0.25)  # a quicker exit may crash: sdk-python issue 300
    print(found)
    if write:
        before, _, after = split(README.read_text())
        README.write_text(f"{before}{found}\n{after}")


if __name__ == "__main__":
    asyncio.run(main())
