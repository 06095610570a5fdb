"""Lists of bookings, in the order of Temporal's visibility: running, then most recently ended."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError

from bookings.cursors import cursor_of, token_of
from bookings.errors import BadCursor, NotSearchable
from bookings.search import condition
from shared import (
    BOOK_WORKFLOW,
    CANCEL_SUFFIX,
    CANCEL_WORKFLOW,
    OUTCOME_MEMO,
    TRIP_MEMO,
    BookingOutcome,
    BookVacationInput,
    Leg,
    Status,
)

PAGE_SIZE = 20

BOTH = f"WorkflowType IN ('{BOOK_WORKFLOW}', '{CANCEL_WORKFLOW}')"

STUCK = "BookingStatus = 'needs_attention' AND ExecutionStatus = 'Running'"
STOPPED = "ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed')"

CONDITIONS = {
    Status.RUNNING: "BookingStatus = 'running' AND ExecutionStatus = 'Running'",
    Status.UNDOING: "BookingStatus = 'undoing' AND ExecutionStatus = 'Running'",
    Status.NEEDS_ATTENTION: f"({STUCK} OR {STOPPED})",
    Status.BOOKED: "BookingStatus = 'booked'",
    Status.CANCELLED: "(BookingStatus = 'cancelled' OR ExecutionStatus = 'Canceled')",
}
"""Each status as a query. A terminated workflow cannot update its search attribute."""


class BookingSummary(BaseModel):
    """A booking in a list."""

    booking_id: str
    user_id: str
    name: str
    status: Status
    items: dict[Leg, str]
    started_at: datetime
    ended_at: datetime | None = None


class BookingPage(BaseModel):
    """A page of a list; `next_cursor` requests the next page.

    `counts` is absent if the server lacks the search attributes, and until the first count. For
    ended bookings they are cached: with thousands of bookings they may be some seconds old.
    """

    bookings: list[BookingSummary]
    counts: dict[Status, int] | None = None
    next_cursor: str | None = None


class Filter(BaseModel):
    """The bookings that a client wants to list.

    `traveller` is what somebody types to find a booking; see `bookings.search`. `owner`: whose they
    are; None means all.
    """

    status: Annotated[Status | None, BeforeValidator(lambda text: text or None)] = None
    traveller: Annotated[str, Field(max_length=200)] = ""
    owner: str | None = None

    def query(self, searchable: bool, types: str = BOTH, key: bytes = b"") -> str:
        """The visibility query; no value in it can contain a quote."""
        parts = [types]
        if self.traveller.strip():
            parts.append(condition(self.traveller, key))
        if self.owner and searchable:
            parts.append(f"Owner = '{self.owner}'")
        if self.status:
            parts.append(CONDITIONS[self.status])
        return " AND ".join(parts)


async def list_bookings(
    client: Client, wanted: Filter, cursor: str | None, searchable: bool, key: bytes = b""
) -> BookingPage:
    """One page of a list of bookings; `key` is that of the search words, if they are hashes.

    Raises:
        BadCursor: No page of this list has issued the cursor.
        NotSearchable: The list is filtered, and the server lacks the search attributes.
    """
    if not searchable and (wanted.status or wanted.traveller):
        raise NotSearchable
    query = wanted.query(searchable, key=key)
    try:
        rows, token = await one_page(client, query, token_of(cursor, query) if cursor else b"")
    except RPCError:
        if not cursor:
            raise
        await one_page(client, query, b"")  # if that works, it was the token, which was forged
        raise BadCursor from None
    summaries = [summary for row in rows if (summary := await summarise(row, wanted.owner))]
    superseded = await cancelled_later(client, summaries)
    return BookingPage(
        bookings=[
            summary
            for summary in summaries
            if not (summary.status is Status.BOOKED and summary.booking_id in superseded)
        ],
        next_cursor=cursor_of(token, query) if token else None,
    )


async def one_page(
    client: Client, query: str, token: bytes
) -> tuple[list[WorkflowExecution], bytes]:
    """The workflows of one page, and the token of the next page."""
    found = client.list_workflows(query, page_size=PAGE_SIZE, next_page_token=token)
    await found.fetch_next_page()
    return list(found.current_page or []), found.next_page_token or b""


async def summarise(row: WorkflowExecution, owner: str | None) -> BookingSummary | None:
    """A workflow as a booking; None if it is not one of this owner's."""
    trip = await row.memo_value(TRIP_MEMO, None, type_hint=BookVacationInput)
    if trip is None or owner not in (None, trip.owner):
        return None
    outcome = await row.memo_value(OUTCOME_MEMO, None, type_hint=BookingOutcome)
    return BookingSummary(
        booking_id=row.id.removesuffix(CANCEL_SUFFIX),
        user_id=trip.book_user_id,
        name=trip.traveller,
        status=status_of(row, outcome),
        items={leg: trip.item(leg) for leg in Leg},
        started_at=row.start_time,
        ended_at=row.close_time,
    )


def status_of(row: WorkflowExecution, outcome: BookingOutcome | None) -> Status:
    """The status of a booking, from its workflow's status and published outcome."""
    begun = Status.UNDOING if row.id.endswith(CANCEL_SUFFIX) else Status.RUNNING
    match row.status:
        case WorkflowExecutionStatus.RUNNING:
            return outcome.status if outcome else begun
        case WorkflowExecutionStatus.COMPLETED:
            return outcome.status if outcome else Status.BOOKED
        case WorkflowExecutionStatus.CANCELED:
            return Status.CANCELLED
        case _:
            return Status.NEEDS_ATTENTION


async def cancelled_later(client: Client, summaries: list[BookingSummary]) -> set[str]:
    """Those that were cancelled after booking: the list has their cancellation instead."""
    ids = [row.booking_id for row in summaries if row.status is Status.BOOKED]
    if not ids:
        return set()
    names = ", ".join(f"'{booking_id}{CANCEL_SUFFIX}'" for booking_id in ids)
    found = client.list_workflows(f"WorkflowId IN ({names})", page_size=PAGE_SIZE)
    return {row.id.removesuffix(CANCEL_SUFFIX) async for row in found}
