"""The trips according to Temporal."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from temporalio.client import Client, WorkflowExecution

from bookings.listing import BOTH, status_of
from bookings.reading import describe
from shared import (
    CANCEL_SUFFIX,
    OUTCOME_MEMO,
    TRIP_MEMO,
    BookingOutcome,
    BookVacationInput,
    Leg,
    LegState,
    Status,
)

PAGE_SIZE = 500
LIST_TIMEOUT = timedelta(seconds=30)
AT_ONCE = 20


class Standing(StrEnum):
    """The state of a trip, as far as the audit is concerned."""

    IN_PROGRESS = "in progress"
    NEEDS_ATTENTION = "needs attention"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    STOPPED = "stopped from outside"


@dataclass(frozen=True)
class KnownTrip:
    """A trip in Temporal, with the legs that an operator settled by hand."""

    booking_id: str
    trip: BookVacationInput
    standing: Standing
    settled: frozenset[Leg] = frozenset()

    def keys(self) -> dict[Leg, str]:
        """The key of each leg at its supplier."""
        return {leg: self.trip.order(self.booking_id, leg).key for leg in Leg}


async def all_trips(client: Client) -> dict[str, KnownTrip]:
    """Every trip that Temporal lists, by its booking id."""
    latest: dict[str, WorkflowExecution] = {}
    async for row in client.list_workflows(BOTH, page_size=PAGE_SIZE, rpc_timeout=LIST_TIMEOUT):
        if row.id not in latest or _last_touched(row) > _last_touched(latest[row.id]):
            latest[row.id] = row  # a workflow that was reset has several runs
    found = {}
    for row in latest.values():
        booking_id = row.id.removesuffix(CANCEL_SUFFIX)
        deciding = latest.get(booking_id + CANCEL_SUFFIX, row)
        if booking_id not in found and (trip := await _known(booking_id, deciding)):
            found[booking_id] = trip
    return found


async def these_trips(client: Client, booking_ids: Iterable[str]) -> dict[str, KnownTrip]:
    """The current state of these trips, not from lists, which may lag behind."""
    places = asyncio.Semaphore(AT_ONCE)

    async def read(booking_id: str) -> KnownTrip | None:
        async with places:
            booking = await describe(client.get_workflow_handle(booking_id))
            cancelling = await describe(client.get_workflow_handle(booking_id + CANCEL_SUFFIX))
            deciding = cancelling or booking
            return await _known(booking_id, deciding) if deciding else None

    known = await asyncio.gather(*map(read, booking_ids))
    return {trip.booking_id: trip for trip in known if trip}


def _last_touched(row: WorkflowExecution) -> datetime:
    return row.close_time or datetime.max.replace(tzinfo=UTC)


async def _known(booking_id: str, row: WorkflowExecution) -> KnownTrip | None:
    trip = await row.memo_value(TRIP_MEMO, None, type_hint=BookVacationInput)
    if trip is None:  # not a workflow of ours
        return None
    outcome = await row.memo_value(OUTCOME_MEMO, None, type_hint=BookingOutcome)
    legs = outcome.legs if outcome else []
    settled = frozenset(leg.leg for leg in legs if leg.state is LegState.SETTLED)
    return KnownTrip(booking_id, trip, _standing(row, status_of(row, outcome)), settled)


def _standing(row: WorkflowExecution, status: Status) -> Standing:
    if status is Status.BOOKED:
        return Standing.BOOKED
    if status is Status.CANCELLED and row.close_time:
        return Standing.CANCELLED
    if row.close_time:
        return Standing.STOPPED
    return Standing.NEEDS_ATTENTION if status is Status.NEEDS_ATTENTION else Standing.IN_PROGRESS
