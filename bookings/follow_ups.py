"""What a booking leaves behind: workflows that go on by themselves, and delay nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities import Activities
from shared import ALERT_SUFFIX, FOLLOW_UP_MEMO, Alert, AlertKind, Notice, Pace, SettledLeg

FollowUp = TypeVar("FollowUp")


@workflow.defn
class NotifyWorkflow:
    """Tell the traveller the outcome, retried until a deadline; given up, it ends as Failed.

    If the outcome is no longer the booking's when it could be sent, it is dropped.
    """

    @workflow.run
    async def run(self, notice: Notice) -> None:
        """Send the message.

        Raises:
            ActivityError: It was given up, and staff are alerted to tell the traveller themselves.
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
            workflow.metric_meter().create_counter("trip_notices").add(
                1, {"kind": "mail", "result": "given_up"}
            )
            text = f"The traveller was not told that the trip is {notice.outcome.status}."
            workflow.logger.error("notice given up. %s", text)
            workflow.upsert_memo({FOLLOW_UP_MEMO: f"{notice.booking_id}: {text}"})
            if workflow.patched("alert-staff"):  # as in `Trip`
                kind = AlertKind.NOT_NOTIFIED
                await alert_staff(kind, notice.booking_id, text, notice.pace)
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
            task_queue=settled.queue,
            start_to_close_timeout=timedelta(seconds=settled.pace.attempt_timeout),
            heartbeat_timeout=timedelta(seconds=settled.pace.heartbeat_timeout),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=settled.pace.first_retry),
                maximum_interval=timedelta(seconds=settled.pace.longest_undo_retry),
            ),
            summary=settled.note,
        )


@workflow.defn
class AlertWorkflow:
    """Tell staff of a booking that needs them, by every way that is set up for it."""

    @workflow.run
    async def run(self, alert: Alert) -> bool:
        """Tell them, however long that takes; return whether there was anybody to tell."""
        ways: list[Callable[[Activities, Alert], Awaitable[bool]]] = [
            Activities.mail_staff,
            Activities.call_webhook,
        ]
        told = [
            workflow.start_activity_method(
                way,
                alert,
                start_to_close_timeout=timedelta(seconds=alert.pace.attempt_timeout),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=alert.pace.first_retry),
                    maximum_interval=timedelta(minutes=1),
                ),
                summary=alert.text,
            )
            for way in ways
        ]
        return any(await asyncio.gather(*told))


async def alert_staff(kind: AlertKind, booking_id: str, text: str, pace: Pace) -> None:
    """Leave an alert behind, at most one for this workflow."""
    alert_id = workflow.info().workflow_id + ALERT_SUFFIX
    alert = Alert(alert_id=alert_id, kind=kind, booking_id=booking_id, text=text, pace=pace)
    await leave_behind(AlertWorkflow.run, alert, ALERT_SUFFIX, text)


async def leave_behind(
    follow_up: Callable[[Any, FollowUp], Awaitable[Any]], arg: FollowUp, suffix: str, summary: str
) -> None:
    """Start a workflow that runs by itself; the booking waits only until it has started.

    Args:
        follow_up: The `run` of its class.
        arg: Its input.
        suffix: What its id adds to the id of this workflow.
        summary: What people see of it in Temporal's Web UI.
    """
    try:
        await workflow.start_child_workflow(
            follow_up,
            arg,
            id=workflow.info().workflow_id + suffix,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=summary,
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("%s was left behind before this workflow was reset.", suffix)
