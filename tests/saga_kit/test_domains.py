"""The saga core is general: five domains, each a table of steps, under the kit."""

from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from saga import Options, Settlement, Verb
from tests.saga_kit.domains import DOMAINS, Domain
from tests.saga_kit.table import Books, Entry, Table
from tools.saga_kit import Case, Fault, Handle, Kit, every_case

pytestmark = pytest.mark.long

STEADY = Options(
    heartbeat=20, patience=60, first_retry=0.02, longest_retry=0.1, longest_undo_retry=0.1
)
HASTY = STEADY._replace(deadline=5, attempt=5, heartbeat=5)


def kit_for(client: Client, domain: Domain, books: Books) -> Kit:
    """The kit with all that it has to know of a domain."""
    queue = uuid4().hex
    undos = {f"do:{it.name}": f"undo:{it.name}" for it in domain.rows if it.verb is Verb.DO}
    without = {f"do:{row.name}" for row in domain.rows if not row.undone}

    def worker(**changes: Any) -> Worker:
        usual = {"workflows": [Table], "activities": [books.do, books.undo]}
        runner = UnsandboxedWorkflowRunner()  # the sandbox would take most of the time
        return Worker(client, task_queue=queue, workflow_runner=runner, **{**usual, **changes})

    async def start(key: str, case: Case) -> Handle:
        options = HASTY if case.waits_for_its_deadline else STEADY
        options = options._replace(patience=0.5) if case.needs_an_operator else options
        arguments = [domain.rows, list(options)]
        return await client.start_workflow(Table.run, args=arguments, id=key, task_queue=queue)

    async def settle(handle: Handle, case: Case) -> bool:
        """Do by hand what is stuck, and say so."""
        name = case.step.name.partition(":")[2]
        [row] = [row for row in domain.rows if row.name == name]
        entry = Entry(f"{handle.id}:{name}", row.changes)
        await (books.undo(entry) if case.fault is Fault.UNDO_STUCK else books.do(entry))
        try:
            await handle.execute_update(Table.settle, Settlement(name, "Ann", "by hand"))
        except (WorkflowUpdateFailedError, RPCError):  # not yet stuck, or its worker is busy
            return False
        return True

    return Kit(
        start,
        worker,
        books.held,
        said_booked=bool,
        pivot=next((f"pivot:{row.name}" for row in domain.rows if row.verb is Verb.PIVOT), None),
        undos={do: undo for do, undo in undos.items() if do not in without} if without else None,
        operator=settle,
    )


@pytest.mark.parametrize("name", DOMAINS)
async def test_all_or_none(client: Client, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    domain, books = DOMAINS[name], Books()
    kit = kit_for(client, domain, books)
    steps = await kit.learn()
    assert [step.name for step in steps] == [f"{row.verb}:{row.name}" for row in domain.rows]
    report = await kit.play(every_case(steps, cached=False))
    report.check()
    for accounts in domain.sums:
        assert sum(books.amounts[account] for account in accounts) == 0
    assert len(report.results) == domain.cases
    with capsys.disabled():
        print(f" {name}: {len(report.results)} cases", end="")
