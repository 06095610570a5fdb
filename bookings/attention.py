"""What needs staff: bookings that cannot be undone, are suspended by a bug, or were stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from bookings.calls import temporal
from bookings.counting import SUSPENDED
from bookings.errors import NoSuchBooking, NotSearchable
from bookings.events import EventKind
from bookings.history import Condition
from bookings.listing import BOTH, STOPPED, STUCK
from bookings.reading import Booking, Found, describe
from bookings.service import Bookings
from shared import CANCEL_SUFFIX, OUTCOME_MEMO, BookingOutcome, Leg, LegState, Status

T = TypeVar("T")
R = TypeVar("R")

LISTED = 1000
"""How many bookings are listed; Temporal lists the latest first."""

SHOWN = 100
"""How many are read and put in order: since when they wait is only in their histories."""

AT_ONCE = 8
"""How many bookings are read from Temporal at once."""

OPEN_LONG = timedelta(seconds=10)
"""A booking that is open for longer may be suspended, where the server does not list those."""

LOOKED_AT = 50
"""How many of these are looked at, the oldest first."""


class Cause(StrEnum):
    """Why a booking needs staff: the undo of a leg is stuck, or none will come by itself."""

    CAR = Leg.CAR.value
    HOTEL = Leg.HOTEL.value
    FLIGHT = Leg.FLIGHT.value
    BUG = "bug"
    STOPPED = "stopped"


SINCE = {Cause.BUG: EventKind.SUSPENDED, Cause.STOPPED: EventKind.STOPPED}
"""The event since which a booking needs staff; that of a stuck leg is `needs_attention`."""

Empty = BeforeValidator(lambda text: text or None)
Day = Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1)), Empty]


class Wanted(BaseModel):
    """What staff want to see: why, and the days, in UTC, on which it was asked for."""

    model_config = ConfigDict(populate_by_name=True)

    reason: Annotated[Cause | None, Empty] = None
    first: Day = Field(None, alias="from")
    last: Day = Field(None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> "Wanted":
        if self.first and self.last and self.first > self.last:
            raise ValueError("the last day must not come before the first")
        return self

    @property
    def days(self) -> str:
        """The days as part of a visibility query."""
        first = f" AND StartTime >= '{self.first}T00:00:00Z'" if self.first else ""
        last = f" AND StartTime <= '{self.last}T23:59:59.999Z'" if self.last else ""
        return first + last


class Waiting(BaseModel):
    """A booking that needs staff, why, and since when."""

    booking: Booking
    causes: list[Cause]
    since: datetime


class Queue(BaseModel):
    """What needs staff, which has waited longest first; `more` are not shown."""

    waiting: list[Waiting]
    more: int = 0


async def queue(bookings: Bookings, wanted: Wanted) -> Queue:
    """What needs staff; of too many, those that were asked for first.

    Raises:
        NotSearchable: The server lacks the search attributes.
        TemporalAway: Temporal is unreachable.
    """
    async with temporal():
        if not await bookings.searchable():
            raise NotSearchable
        rows = await listed(bookings.client, wanted)
    found = await each(rows[:SHOWN], lambda row: waiting(bookings, row))
    shown = [it for it in found if it and (not wanted.reason or wanted.reason in it.causes)]
    shown.sort(key=lambda it: it.since)
    return Queue(waiting=shown, more=max(0, len(rows) - SHOWN))


async def listed(client: Client, wanted: Wanted) -> list[WorkflowExecution]:
    """The workflows that may need staff: those first that began, or were stopped, first."""
    rows: list[WorkflowExecution] = []
    if wanted.reason is not Cause.BUG:
        stuck_or_stopped = f"(({STUCK}) OR {STOPPED})"
        if wanted.reason:
            stuck_or_stopped = STOPPED if wanted.reason is Cause.STOPPED else STUCK
        rows = await some(client, f"{BOTH} AND {stuck_or_stopped}{wanted.days}")
    if wanted.reason in {Cause.CAR, Cause.HOTEL, Cause.FLIGHT}:
        rows = [row for row in rows if await was_owed(row, Leg(wanted.reason))]
    if wanted.reason in {None, Cause.BUG}:
        rows += await suspended(client, wanted)
    unique = {row.id.removesuffix(CANCEL_SUFFIX): row for row in rows}
    return sorted(unique.values(), key=lambda row: row.close_time or row.start_time)


async def some(client: Client, query: str) -> list[WorkflowExecution]:
    """The workflows of a query, but not without a limit."""
    return [it async for it in client.list_workflows(query, page_size=LISTED, limit=LISTED)]


async def was_owed(row: WorkflowExecution, leg: Leg) -> bool:
    """Whether a leg was still to be undone when the booking began to need attention."""
    outcome = await row.memo_value(OUTCOME_MEMO, None, type_hint=BookingOutcome)
    return outcome is not None and LegState.BOOKED in {
        it.state for it in outcome.legs if it.leg is leg
    }


async def suspended(client: Client, wanted: Wanted) -> list[WorkflowExecution]:
    """The workflows that a bug may have suspended."""
    try:
        return await some(client, SUSPENDED + wanted.days)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
    # Servers before 1.30 do not list them; but a workflow task is seldom tried more than once.
    long_ago = datetime.now(UTC) - OPEN_LONG
    open_ones = f"ExecutionStatus = 'Running' AND StartTime < '{long_ago:%Y-%m-%dT%H:%M:%S.%fZ}'"
    rows = await some(client, f"{BOTH} AND {open_ones}{wanted.days}")
    oldest = sorted(rows, key=lambda row: row.start_time)[:LOOKED_AT]

    async def is_tried_again(row: WorkflowExecution) -> bool:
        described = await describe(client.get_workflow_handle(row.id))
        return described is not None and (
            described.raw_description.pending_workflow_task.attempt > 1
        )

    tried = await each(oldest, is_tried_again)
    return [row for row, again in zip(oldest, tried, strict=True) if again]


async def each(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """The results of work on each item, a few at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with places:
            return await work(item)

    return await asyncio.gather(*map(one, items))


async def waiting(bookings: Bookings, row: WorkflowExecution) -> Waiting | None:
    """A booking that needs staff; None if it needs them no more, or was forgotten."""
    try:
        found = await bookings.find(row.id.removesuffix(CANCEL_SUFFIX), None)
    except NoSuchBooking:
        return None
    causes = causes_of(found.booking)
    since = since_of(found, causes)
    return Waiting(booking=found.booking, causes=causes, since=since) if causes else None


def causes_of(booking: Booking) -> list[Cause]:
    """Why a booking needs staff, if it does."""
    stopped = [Cause.STOPPED] if booking.condition is Condition.STOPPED else []
    bug = [Cause.BUG] if booking.condition is Condition.SUSPENDED else []
    return [*stopped, *bug, *(Cause(leg) for leg in stuck(booking))]


def since_of(found: Found, causes: Iterable[Cause]) -> datetime:
    """Since when a booking has needed staff."""
    kinds = {SINCE.get(cause, EventKind.NEEDS_ATTENTION) for cause in causes}
    latest = {event.kind: event.at for event in found.events if event.kind in kinds}
    return min(latest.values(), default=found.booking.ended_at or found.booking.started_at)


def stuck(booking: Booking) -> list[Leg]:
    """The legs whose undo is stuck."""
    if booking.status is not Status.NEEDS_ATTENTION or booking.ended_at:
        return []
    return [leg.leg for leg in booking.legs if leg.state is LegState.UNDOING]
