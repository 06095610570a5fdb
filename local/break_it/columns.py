"""The three columns: what a booking's page says, what Temporal remembers, what suppliers hold."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import httpx2
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowHandle

from bookings.calls import temporal
from bookings.history import words
from bookings.reading import describe
from bookings.retelling import LOCAL_ACTIVITY, LocalActivity
from local.break_it.page_words import PageWords
from shared import CANCEL_SUFFIX, Leg
from suppliers.sql import SqlSupplier

BOOKKEEPING = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
}
"""Events that tell nothing about a trip."""


class Line(NamedTuple):
    """A line of a column; `tone` is the CSS class of a leg in such a state."""

    label: str
    words: str
    tone: str = ""


class Away(Exception):
    """Whoever was asked does not answer; the text says who."""


def page_says(web: httpx2.Client, booking_id: str) -> list[Line]:
    """The words on a booking's page.

    Raises:
        Away: The web process does not answer.
    """
    try:
        answer = web.get(f"/bookings/{booking_id}", headers={"Accept": "text/html"})
    except httpx2.TransportError:
        raise Away("The web process does not answer.") from None
    page = PageWords()
    page.feed(answer.text)
    if not answer.is_success:  # a problem's page: its number, its name, and what it means
        _, name, meaning, *_ = page.texts["main"]
        return [Line(name, meaning, "failed")]
    headline, *said = (" ".join(page.texts[it]) for it in ("headline", "now", "reason"))
    lines = [Line(headline, " ".join(said).strip())]
    for leg in Leg:
        name, _, state, *details = page.texts[f"leg-{leg}"]
        said_of_it = f"{state}. {' '.join(details)}" if details else state
        lines.append(Line(name, said_of_it, page.classes[f"leg-{leg}"][-1]))
    return lines


async def temporal_remembers(client: Client, booking_id: str) -> list[Line]:
    """The events of a booking's history, and of its later cancellation, with what is being tried.

    Raises:
        TemporalAway: Temporal does not answer.
    """
    lines: list[Line] = []
    async with temporal():
        for workflow_id in (booking_id, booking_id + CANCEL_SUFFIX):
            handle: WorkflowHandle[object, object] = client.get_workflow_handle(workflow_id)
            if description := await describe(handle):
                history = await handle.fetch_history()
                lines += recorded(history.events)
                lines += map(pending, description.raw_description.pending_activities)
                task = description.raw_description.pending_workflow_task
                if task.attempt > 1:  # it failed, because of a bug
                    lines.append(
                        Line("Pending", f"workflow task, attempt {task.attempt}", "booking")
                    )
    return lines


def recorded(events: Iterable[HistoryEvent]) -> Iterator[Line]:
    """A history's events, by the names that Temporal's Web UI has for them."""
    steps: dict[int, str] = {}
    for event in events:
        attributes = getattr(event, str(event.WhichOneof("attributes")))
        steps[event.event_id] = getattr(attributes, "activity_id", "")
        if event.event_type in BOOKKEEPING:
            continue
        name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").title()
        step = steps[event.event_id] or steps.get(getattr(attributes, "scheduled_event_id", 0), "")
        failure = attributes.failure if name.endswith("Failed") else None
        if getattr(attributes, "marker_name", "") == LOCAL_ACTIVITY:
            step = LocalActivity.of(event).activity_id
            failure = attributes.failure if attributes.HasField("failure") else None
        why = f"{failure.application_failure_info.type}: {failure.message}" if failure else ""
        what = " ".join(filter(None, [f"{event.event_time.ToDatetime():%H:%M:%S}", step, why]))
        yield Line(name.replace("_", ""), what, "failed" if failure else "")


def pending(activity: PendingActivityInfo) -> Line:
    """An activity that runs, or waits for its next attempt or for a worker."""
    runs = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    now = f"{activity.activity_id}, attempt {activity.attempt} {'runs' if runs else 'is due'}"
    failed = activity.HasField("last_failure")
    return Line("Pending", now + f". {words(activity.last_failure)}" * failed, "booking")


def suppliers_hold(suppliers: dict[Leg, SqlSupplier], booking_id: str) -> list[Line]:
    """Every reservation that a supplier holds for a booking, from its own database.

    Raises:
        Away: A database does not answer.
    """
    lines = []
    for leg, supplier in suppliers.items():
        try:
            found = [it for it in supplier.held() if it.key.startswith(f"{booking_id}:")]
        except SQLAlchemyError:
            raise Away(f"The {leg}'s database does not answer.") from None
        lines += [
            Line(leg.capitalize(), f"{it.item}, since {it.since:%H:%M:%S}", "booked")
            for it in found
        ] or [Line(leg.capitalize(), "nothing")]
    return lines
