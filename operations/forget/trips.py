"""Trips to forget: found in Temporal, and removed from it and from the suppliers.

The suppliers come first, as only Temporal knows which keys they have: what was interrupted can be
repeated.
"""

import asyncio
import re
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.common.v1 import WorkflowExecution as Execution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError

from bookings.calls import is_unknown
from bookings.listing import BOTH
from bookings.reading import describe
from operations.audit.known import LIST_TIMEOUT, PAGE_SIZE
from shared import BOOKING_ID, CANCEL_SUFFIX, TRIP_MEMO, BookVacationInput, Leg
from suppliers import CannotForget, Supplier
from suppliers.sql import SqlSupplier

MESSAGES = {"NotifyWorkflow", "AlertWorkflow"}
"""Workflows that need not have ended: what they have not sent yet, they never will."""

PATIENCE = 120
"""Seconds that Temporal may take to delete a trip: half a minute, if it has just ended."""

Trips = dict[str, BookVacationInput | None]
"""Trips by their booking ids; None if Temporal no longer knows the trip."""


class NotForgotten(Exception):
    """A trip is not forgotten; the text says why, and what to do."""


async def trips_of(client: Client, who: str) -> Trips:
    """The trips in Temporal with this booking id, or of this traveller."""
    by_id = re.fullmatch(BOOKING_ID, who)
    query = BOTH + (f" AND WorkflowId STARTS_WITH '{who}'" if by_id else "")
    trips: Trips = {}
    async for row in client.list_workflows(query, page_size=PAGE_SIZE, rpc_timeout=LIST_TIMEOUT):
        trip = await row.memo_value(TRIP_MEMO, None, type_hint=BookVacationInput)
        if trip and (by_id or who in {trip.name, trip.book_user_id, trip.email} - {""}):
            trips[row.id.removesuffix(CANCEL_SUFFIX)] = trip
    return trips


async def forget(
    client: Client,
    suppliers: Mapping[Leg, Supplier],
    booking_id: str,
    trip: BookVacationInput | None,
) -> list[str]:
    """Forget a trip that has ended; return what people have to ask a supplier for.

    Raises:
        NotForgotten: It has not ended, or a supplier or Temporal did not do its part in time.
    """
    for row in await workflows_of(client, booking_id):
        if row.status is WorkflowExecutionStatus.RUNNING and row.workflow_type not in MESSAGES:
            raise NotForgotten("It has not ended yet. Cancel it, or wait; then repeat this.")
    to_ask = []
    for leg, supplier in suppliers.items():
        keys = {trip.order(booking_id, leg).key} if trip else set()
        try:
            if isinstance(supplier, SqlSupplier):
                keys.update(await asyncio.to_thread(supplier.naming, booking_id))
            for key in keys:
                await asyncio.to_thread(supplier.forget, key)
        except CannotForget:
            to_ask.append(f"Ask the {leg} supplier to remove the name from: {', '.join(keys)}")
        except (RuntimeError, SQLAlchemyError) as error:
            raise NotForgotten(f"The {leg} supplier failed. Repeat this.") from error
    await delete(client, booking_id)
    return to_ask


async def delete(client: Client, booking_id: str) -> None:
    """Delete a trip's workflows.

    Raises:
        NotForgotten: Temporal has not, in time; or a new one has begun.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            # The cancellation last: without it, a cancelled trip would look booked.
            rows = await workflows_of(client, booking_id)
            for row in sorted(rows, key=lambda row: row.id == booking_id + CANCEL_SUFFIX):
                await delete_run(client, row)
            while not await is_gone(client, booking_id):  # noqa: ASYNC110 (nothing tells when)
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise NotForgotten("Temporal has not deleted it yet. Repeat this.") from None


async def delete_run(client: Client, row: WorkflowExecution) -> None:
    """Have one run of a workflow deleted."""
    execution = Execution(workflow_id=row.id, run_id=row.run_id)
    asked = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    try:
        await client.workflow_service.delete_workflow_execution(asked)
    except RPCError as error:
        if not is_unknown(error):
            raise


async def workflows_of(client: Client, booking_id: str) -> list[WorkflowExecution]:
    """All runs of a trip's workflows: the booking, its cancellation and what they left behind."""
    query = f"WorkflowId STARTS_WITH '{booking_id}'"
    return [row async for row in client.list_workflows(query, rpc_timeout=LIST_TIMEOUT)]


async def is_gone(client: Client, booking_id: str) -> bool:
    """Whether Temporal has nothing of a trip any more; its lists alone may lag behind."""
    ids = (booking_id, booking_id + CANCEL_SUFFIX)
    known = [await describe(client.get_workflow_handle(workflow_id)) for workflow_id in ids]
    return not (any(known) or await workflows_of(client, booking_id))
