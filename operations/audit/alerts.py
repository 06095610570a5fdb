"""Alerts about what an audit has found: for a workflow that was terminated, nobody else tells."""

from contextlib import suppress

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from bookings.follow_ups import AlertWorkflow
from operations.audit.auditor import Report
from operations.audit.findings import Finding, Kind
from shared import Alert, AlertKind, Pace


async def alert(client: Client, report: Report, task_queue: str) -> None:
    """Have staff told of each trip in which something was found, once for each kind of finding.

    Of a stuck undo the trip's own workflow tells. A worker sends the alerts, whenever it can.

    Raises:
        RPCError: Temporal did not answer; it can be repeated.
    """
    for found in {alert_id(it): it for it in report.findings if is_news(it)}.values():
        with suppress(WorkflowAlreadyStartedError):
            await client.start_workflow(
                AlertWorkflow.run,
                Alert(
                    alert_id=alert_id(found),
                    kind=AlertKind.AUDIT,
                    booking_id=found.booking_id or "",
                    text=f"The audit found ({found.kind}): {found.why} {found.todo}",
                    pace=Pace(),
                ),
                id=alert_id(found),
                task_queue=task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=found.why[:200],
            )


def alert_id(found: Finding) -> str:
    """The id of a finding's alert: the same at the next audit."""
    return f"{found.booking_id}/audit-{found.kind}"


def is_news(found: Finding) -> bool:
    """Whether staff have to be told of it, and only the audit can."""
    return found.booking_id is not None and found.kind is not Kind.NEEDS_ATTENTION
