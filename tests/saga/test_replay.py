"""Promise 12: histories of every outcome replay on the code of today."""

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

import saga_workflows
from bookings.plugin import plugin
from run_worker import WORKFLOWS
from settings import Settings
from shared import Leg
from tests.saga.histories import SCENES, recorded
from tests.saga.world import SANDBOX


def test_there_is_a_history_of_every_outcome() -> None:
    assert list(recorded()) == sorted(scene.__name__ for scene in SCENES)


@pytest.mark.parametrize("history", recorded().values(), ids=recorded().keys())
async def test_a_recorded_history_replays(history: WorkflowHistory) -> None:
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=SANDBOX, plugins=[plugin(Settings())])
    await replayer.replay_workflow(history)


async def test_a_change_of_the_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflow runs unsandboxed, so that the test's change reaches it."""
    monkeypatch.setattr(saga_workflows, "Leg", list(Leg)[::-1])
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        plugins=[plugin(Settings())],
    )
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recorded()["booked"])
