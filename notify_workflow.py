"""Tell the traveller how the booking ended, apart from the booking: it cannot undo or delay it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities import Activities
    from shared import FOLLOW_UP_MEMO, BookingOutcome, BookVacationInput, Notice


@workflow.defn
class NotifyWorkflow:
    """Send one message, retried until its deadline; one that was given up ends as Failed."""

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


async def leave_notice(booking_id: str, trip: BookVacationInput, outcome: BookingOutcome) -> None:
    """Leave a `NotifyWorkflow` behind, if there is an address; the booking does not wait for it."""
    if trip.email is None:
        return
    notice = Notice(
        booking_id=booking_id,
        name=trip.name or trip.book_user_id,
        email=trip.email,
        outcome=outcome,
        pace=trip.pace,
    )
    try:
        await workflow.start_child_workflow(
            NotifyWorkflow.run,
            notice,
            id=f"{booking_id}/notify-{outcome.status}",
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=f"Tell {trip.book_user_id}: {outcome.status}",
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("The traveller was told before this booking was reset.")
