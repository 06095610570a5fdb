"""The order on the saga: until the confirmation all of it is undone, from then on nothing."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError

import saga

with workflow.unsafe.imports_passed_through():
    from examples.orders.activities import Activities as a
    from examples.orders.model import OPTIONS, STATUS, Order, OrderOutcome, Status, StepOutcome


@workflow.defn
class OrderWorkflow(saga.Settleable):
    """Ship an order, or undo it in full, so that nobody pays for what does not come."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self.order = order
        self.saga = saga.Saga(self._changed, self._settled)

    @workflow.run
    async def run(self, order: Order) -> OrderOutcome:
        """Bring the order to one of its two ends; the confirmation decides which."""
        try:
            await self.saga.do(self.step("stock", a.reserve, a.release))
            await self.saga.do(self.step("payment", a.charge, a.refund))
            await self.saga.pivot(self.step("confirmation", a.confirm))
        except saga.FAILED:
            await self.saga.undo_all()
            outcome = await self.end(Status.CANCELLED)
            saga.close_as_canceled_if_asked()
            return outcome
        await self.saga.after(self.step("shipment", a.ship))
        return await self.end(Status.SHIPPED)

    def step(self, name: str, do: Callable[..., Any], undo: Any = None) -> saga.Step:
        """A step of this order, tried as its input says."""
        options = saga.Options(**self.order.options[name])
        return saga.Step(name, do, undo, self.order, options, f"{name}: {self.order.item}")

    async def end(self, status: Status) -> OrderOutcome:
        """Have the customer notified, and publish the outcome."""
        await saga.uncancellable(self._leave_behind("notify", status))
        return self._publish(status)

    def _changed(self) -> None:
        self._publish(Status(self.saga.status))

    def _publish(self, status: Status) -> OrderOutcome:
        """Write the outcome where it is found without a worker's help, and after a cancel."""
        outcomes = {name: self.saga.outcomes.get(name, saga.Outcome()) for name in OPTIONS}
        steps = {name: StepOutcome(it.state, it.reason) for name, it in outcomes.items()}
        too_late = status is Status.SHIPPED and workflow.cancellation_reason() is not None
        outcome = OrderOutcome(status, steps, self.saga.reason, too_late)
        workflow.upsert_memo({"outcome": outcome})
        workflow.upsert_search_attributes([STATUS.value_set(status)])
        return outcome

    async def _settled(self, step: saga.Step) -> None:
        """Have the books say, once they can, what a person did, and who it was."""
        note, does = self.saga.outcomes[step.name].reason or "", step.undo or step.do
        await self._leave_behind(does.__name__, note, step.options.task_queue)

    async def _leave_behind(self, activity: str, note: str, queue: str | None = None) -> None:
        with suppress(WorkflowAlreadyStartedError):  # by this order, before it was reset
            await workflow.start_child_workflow(
                FollowUpWorkflow.run,
                args=[activity, replace(self.order, note=note), queue],
                id=f"{self.order.order_id}/{activity}",
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )


@workflow.defn
class FollowUpWorkflow:
    """What an order leaves behind: it can neither undo nor delay the order."""

    @workflow.run
    async def run(self, activity: str, order: Order, queue: str | None) -> None:
        """Record a settlement, or notify: given up, that fails, and its memo says what to do."""
        notify, deadline = activity == "notify", timedelta(seconds=order.notify_seconds)
        try:
            await workflow.execute_activity(
                activity,
                order if notify else replace(order, rehearse={}),
                task_queue=queue,
                start_to_close_timeout=timedelta(seconds=order.options["stock"]["attempt"]),
                schedule_to_close_timeout=deadline if notify else None,
            )
        except ActivityError:
            workflow.upsert_memo(
                {"follow_up": f"Tell {order.customer} that {order.order_id} is {order.note}."}
            )
            raise
