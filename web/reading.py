"""How a booking stands, read from what Temporal keeps of it; no worker is asked."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from shared import (
    OUTCOME_MEMO,
    TRIP_MEMO,
    BookingOutcome,
    LegOutcome,
    Status,
    TripMemo,
)
from web.history import BookingLeg, legs_so_far


class Booking(BaseModel):
    """A booking, as `GET /bookings/<id>` answers it."""

    booking_id: str
    user_id: str
    status: Status
    reason: str | None = None
    legs: list[BookingLeg]
    started_at: datetime
    ended_at: datetime | None = None

    def outcome(self) -> BookingOutcome:
        """What became of it so far."""
        return BookingOutcome(status=self.status, legs=list(self.legs), reason=self.reason)


async def read_booking(handle: WorkflowHandle[Any, BookingOutcome]) -> Booking:
    """Read one booking: its result or its memo when it has ended, its history while it runs."""
    description = await handle.describe()
    trip = await description.memo_value(TRIP_MEMO, type_hint=TripMemo)
    outcome = await description.memo_value(OUTCOME_MEMO, None, type_hint=BookingOutcome)
    match description.status:
        case WorkflowExecutionStatus.COMPLETED:
            outcome = await handle.result()
        case WorkflowExecutionStatus.CANCELED:
            outcome = outcome or never_begun(trip)
        case status:
            events = (await handle.fetch_history()).events
            pending = description.raw_description.pending_activities
            legs = legs_so_far(trip.items, events, pending)
            outcome = BookingOutcome(
                status=outcome.status if outcome else Status.RUNNING,
                reason=outcome.reason if outcome else None,
                legs=list(legs),
            )
            if status is not WorkflowExecutionStatus.RUNNING:
                outcome = stopped_from_outside(outcome)
    return Booking(
        booking_id=handle.id,
        user_id=trip.user_id,
        status=outcome.status,
        reason=outcome.reason,
        legs=[BookingLeg.model_validate(leg, from_attributes=True) for leg in outcome.legs],
        started_at=description.start_time,
        ended_at=description.close_time,
    )


def never_begun(trip: TripMemo) -> BookingOutcome:
    """The outcome of a booking that was cancelled before its worker saw it."""
    return BookingOutcome(
        status=Status.CANCELLED,
        legs=[LegOutcome(leg=leg, item=item) for leg, item in trip.items.items()],
        reason="Cancelled by request, before anything was booked.",
    )


def stopped_from_outside(outcome: BookingOutcome) -> BookingOutcome:
    """The outcome of a booking that was terminated: nobody undoes what it holds."""
    return outcome.model_copy(
        update={
            "status": Status.NEEDS_ATTENTION,
            "reason": "The booking was stopped from outside. Staff have to check what it holds.",
        }
    )
