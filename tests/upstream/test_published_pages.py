"""What two published pages lose today. A test that turns red may mean that a page was mended."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import Worker

from tests.saga.world import ended, until
from tests.upstream.pages import ErrorPage, Partners, SagaPage

Handle = WorkflowHandle[Any, None]


class Office:
    """A published workflow, its partners, and workers for both."""

    def __init__(self, client: Client) -> None:
        self.client, self.queue = client, uuid4().hex
        self.partners = Partners()

    def worker(self, **changes: Any) -> Worker:
        p = self.partners
        does = [p.book, p.undo, p.charge, p.refund, p.ship, p.cancel_shipment]
        given = {"workflows": [SagaPage, ErrorPage], "activities": does, **changes}
        return Worker(self.client, task_queue=self.queue, **given)

    async def start(self, page: type) -> Handle:
        return await self.client.start_workflow(
            page.__name__, "1", id=f"order-{uuid4().hex}", task_queue=self.queue
        )


@pytest.fixture
def office(client: Client) -> Office:
    return Office(client)


async def events(handle: Handle, kind: EventType.ValueType) -> list[HistoryEvent]:
    history = await handle.fetch_history()
    return [event for event in history.events if event.event_type == kind]


def happened(handle: Handle, kind: EventType.ValueType, times: int = 1) -> Callable[[], Any]:
    async def condition() -> bool:
        return len(await events(handle, kind)) >= times

    return condition


async def test_saga_page_undoes_a_step_that_is_still_running(office: Office) -> None:
    """It is cancelled while the hotel is being booked: the undo comes first, then the booking."""
    office.partners.slow = "hotel"
    async with office.worker():
        handle = await office.start(SagaPage)
        await office.partners.reached.wait()
        await handle.cancel()
        await ended(handle)
        office.partners.go.set()
        await until(lambda: office.partners.held)
    assert office.partners.held == ["hotel"]


async def test_saga_page_undoes_nothing_if_the_cancel_comes_as_a_step_completes(
    office: Office,
) -> None:
    """Both reach the workflow in one task: a bare `asyncio.CancelledError` is no `Exception`."""
    office.partners.slow = "hotel"
    async with office.worker(workflows=[]):
        async with office.worker(activities=[], max_cached_workflows=0):
            handle = await office.start(SagaPage)
            await office.partners.reached.wait()
        office.partners.go.set()
        await until(happened(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 2))
        await handle.cancel()
        async with office.worker(activities=[], max_cached_workflows=0):
            await ended(handle)
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    assert office.partners.held == ["car", "hotel"]


async def test_saga_page_stops_at_the_first_undo_that_fails(office: Office) -> None:
    """Its own best practices say: log it, and run the remaining ones."""
    office.partners.refused, office.partners.stubborn = "flight", "hotel"
    async with office.worker():
        handle = await office.start(SagaPage)
        await ended(handle)
    assert office.partners.held == ["car", "hotel"]


async def test_error_page_never_ends_for_want_of_an_import(office: Office) -> None:
    office.partners.lost = "shipment"
    async with office.worker():
        handle = await office.start(ErrorPage)
        failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        await until(happened(handle, failed))
        [event, *_] = await events(handle, failed)
        message = event.workflow_task_failed_event_attributes.failure.message
        assert message == "name 'ApplicationError' is not defined"
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_error_page_cancels_a_shipment_by_the_id_of_the_payment(office: Office) -> None:
    """The parcel is on its way, and its answer gets lost."""
    office.partners.lost = "shipment"
    async with office.worker():
        handle = await office.start(ErrorPage)
        await until(happened(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 3))
    assert office.partners.held == ["shipment-1"], "and the money is given back"


async def test_error_page_charges_again_after_a_reset(office: Office) -> None:
    """Its key is made from the run id, and a reset makes another run."""
    async with office.worker():
        handle = await office.start(ErrorPage)
        await ended(handle)
        [first_task, *_] = await events(handle, EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
        await office.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=office.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id),
                workflow_task_finish_event_id=first_task.event_id,
                request_id=uuid4().hex,
            )
        )
        await ended(office.client.get_workflow_handle(handle.id))
    payments = [it for it in office.partners.held if it.startswith("payment-")]
    assert len(payments) == 2
