"""What a booking leaves behind: it can neither undo the booking nor delay it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities import Activities
from shared import FOLLOW_UP_MEMO, Notice, SettledLeg

FollowUp = TypeVar("FollowUp")


@workflow.defn
class NotifyWorkflow:
    """Tell the traveller the outcome, retried until a deadline; given up, it ends as Failed."""

    @workflow.run
    async def run(self, notice: Notice) -> None:
        """Send the message.

        Raises:
            ActivityError: It was given up. The memo then asks for a follow-up, so that staff find
                it and tell the traveller themselves.
        """
        try:
            await workflow.execute_activity_method(
                Activities.notify_traveller,
                notice,
                start_to_close_timeout=timedelta(seconds=notice.pace.attempt_timeout),
                schedule_to_close_timeout=timedelta(seconds=notice.pace.notify_deadline),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=notice.pace.first_retry),
                    maximum_interval=timedelta(minutes=1),
                ),
                summary=f"Tell {notice.name}: {notice.outcome.status}",
            )
        except ActivityError:
            workflow.upsert_memo(
                {FOLLOW_UP_MEMO: f"{notice.email} was not told that {notice.booking_id} ended."}
            )
            raise


@workflow.defn
class SettleWorkflow:
    """Write into a supplier's ledger that an operator settled a leg, once it can be reached."""

    @workflow.run
    async def run(self, settled: SettledLeg) -> None:
        """Record it, however long that takes."""
        await workflow.execute_activity_method(
            Activities.record_settlement,
            settled,
            start_to_close_timeout=timedelta(seconds=settled.pace.attempt_timeout),
            heartbeat_timeout=timedelta(seconds=settled.pace.heartbeat_timeout),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=settled.pace.first_retry),
                maximum_interval=timedelta(seconds=settled.pace.longest_undo_retry),
            ),
            summary=settled.note,
        )


async def leave_behind(
    follow_up: Callable[[Any, FollowUp], Awaitable[None]], arg: FollowUp, name: str, summary: str
) -> None:
    """Start a workflow that goes on by itself; the booking waits only until it has begun.

    Args:
        follow_up: The `run` of its class.
        arg: Its input.
        name: What its id adds to the id of this workflow.
        summary: What people see of it in Temporal's Web UI.
    """
    try:
        await workflow.start_child_workflow(
            follow_up,
            arg,
            id=f"{workflow.info().workflow_id}/{name}",
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=summary,
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("%s was left behind before this workflow was reset.", name)
