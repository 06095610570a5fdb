"""The failure matrix, played by the test kit: all or none, and a true outcome, every time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.worker import Replayer

from bookings.plugin import plugin
from run_worker import WORKFLOWS
from saga import Settlement
from saga_workflows import BookWorkflow
from settings import Settings
from shared import BookingOutcome, Leg, Pace, Status
from suppliers.sql import SqlSupplier
from tests.saga.matrix import read_rows
from tests.saga.world import QUICK, SANDBOX, AnyWorld, Handle
from tools.saga_kit import Cancel, Case, Kit, Result, every_case

PACE = QUICK.model_copy(update={"heartbeat_timeout": 20, "undo_patience": 60})
HASTY = PACE.model_copy(
    # Long enough for a step that goes well on a busy machine, and short for one that hangs.
    update={"attempt_timeout": 5, "heartbeat_timeout": 5, "leg_deadline": 5}
)

Town = AnyWorld[SqlSupplier]

ALL_UNDOS = [f"undo:{leg}" for leg in reversed(Leg)]


@pytest.fixture
def town(client: Client, tmp_path: Path) -> Iterator[Town]:
    town = Town(client, tmp_path, SqlSupplier)
    yield town
    town.close()


def kit_for(town: Town, first_try: float) -> Kit:
    """The kit with all that it has to know of a trip."""

    async def start(booking_id: str, case: Case) -> Handle:
        items: dict[str, Any] = {f"book_{leg}_id": f"{leg} of {booking_id}" for leg in Leg}
        pace = pace_of(case).model_copy(update={"first_try": first_try})
        return await town.start(pace, booking_id, **items)

    def held(booking_id: str) -> list[Leg]:
        return town.held(town.client.get_workflow_handle(booking_id))

    def said_booked(outcome: BookingOutcome) -> bool:
        return outcome.status is Status.BOOKED

    async def settle(handle: Handle, case: Case) -> bool:
        """Do what an operator does: see that it needs attention, and settle it."""
        if (await town.read(handle)).status is not Status.NEEDS_ATTENTION:
            return False
        settlement = Settlement(case.step.name.removeprefix("do:"), "Ann", "phoned them")
        try:
            await handle.execute_update(BookWorkflow.settle, settlement)
        except WorkflowUpdateFailedError:  # on a busy machine another leg may be overdue first
            return False
        return True

    return Kit(start, town.worker, held, said_booked, operator=settle, prefix="trip-")


def pace_of(case: Case) -> Pace:
    pace = HASTY if case.waits_for_its_deadline else PACE
    return pace.model_copy(update={"undo_patience": 0.5}) if case.needs_an_operator else pace


@pytest.mark.parametrize(
    ("cached", "first_try"),
    [
        pytest.param(True, 0, id="cached"),
        pytest.param(False, 0, id="replayed", marks=pytest.mark.long),
        pytest.param(True, 2, id="first-try", marks=pytest.mark.long),
    ],
)
async def test_all_or_none_in_every_case(
    town: Town, cached: bool, first_try: float, capsys: pytest.CaptureFixture[str]
) -> None:
    kit, rows = kit_for(town, first_try), read_rows()
    steps = await kit.learn()
    assert kit.all_of_it == dict.fromkeys(Leg, 1)
    assert [(step.name, step.undo) for step in steps] == [(f"do:{it}", f"undo:{it}") for it in Leg]
    cases = every_case(steps, cached=cached)
    assert [(case.step.name, case.fault, case.cancel) for case in cases] == list(rows)
    report = await kit.play(cases)
    report.check()
    wrong = [
        line
        for result in report.results
        for line in await not_as_in_its_row(town, result, first_try > 0)
    ]
    assert wrong == []
    if first_try:
        for result in report.results:
            await replay(town, result)
    assert report.cases == len(rows) == 126
    with capsys.disabled():
        print(f" {len(report.results)} cases", end="")


async def replay(town: Town, result: Result) -> None:
    """Raise unless the whole history is what the workflow would do again."""
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=SANDBOX, plugins=[plugin(Settings())])
    history = await town.client.get_workflow_handle(result.workflow_id).fetch_history()
    await replayer.replay_workflow(history)


async def not_as_in_its_row(town: Town, result: Result, owes_all: bool) -> list[str]:
    """Everything that is not as `matrix.md` says; with first tries, each leg is undone."""
    case = result.case
    row = read_rows()[case.step.name, case.fault, case.cancel]
    booking = await town.read(town.client.get_workflow_handle(result.workflow_id))
    outcome = booking.outcome()
    found = {
        "held": (result.held, list(Leg) if row.status is Status.BOOKED else []),
        "status": (outcome.status, row.status),
        "legs": ([leg.state for leg in outcome.legs], row.states),
        "order of undo": (
            result.undone,
            ALL_UNDOS if owes_all and row.status is Status.CANCELLED else row.undos,
        ),
        "closed as": (
            result.closed_as,
            "completed" if case.cancel is Cancel.NEVER else "canceled",
        ),
        "reason": (bool(outcome.reason), row.status is not Status.BOOKED),
    }
    return [
        f"{case}: {what} is {is_}, not {to_be}\n{result.story}"
        for what, (is_, to_be) in found.items()
        if is_ != to_be
    ]
