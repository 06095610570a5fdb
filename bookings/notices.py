"""Notices: where they go, and whether one may be sent: it must be true, and the last the latest."""

from pathlib import Path

from temporalio.client import Client, WorkflowExecutionStatus

from bookings.client import external_address
from bookings.reading import describe, find_booking
from settings import Settings
from shared import NOTIFY_SUFFIX, Notice, Status


class TooSoon(Exception):
    """The notice may become true, or an earlier one may still be under way."""


def mail_folder(settings: Settings) -> Path | None:
    """Where mail is written to files: only on one machine, as a demonstration without a server."""
    demo = external_address() is None and not settings.smtp_url
    return settings.data_dir / "mail" if demo else None


async def is_true(client: Client, notice: Notice) -> bool:
    """Whether a notice has the booking's present outcome; one that does not never will.

    A booked trip may be cancelled, and a cancelled one stays so. A cancellation is told only once
    the confirmation, if there is one, has been sent or dropped.

    Raises:
        TooSoon: Ask again later.
        RPCError: Temporal did not answer.
    """
    told = notice.outcome.status
    found = await find_booking(client, notice.booking_id)
    status = found.booking.status if found else None
    if status is Status.RUNNING:
        raise TooSoon("The booking has not ended yet.")
    if told is Status.CANCELLED:
        if status in {Status.UNDOING, Status.NEEDS_ATTENTION}:
            raise TooSoon("The booking is still being undone.")
        if await _is_open(client, notice.booking_id + NOTIFY_SUFFIX.format(Status.BOOKED)):
            raise TooSoon("The confirmation may still be sent.")
    return status is told


async def _is_open(client: Client, workflow_id: str) -> bool:
    found = await describe(client.get_workflow_handle(workflow_id))
    return found is not None and found.status is WorkflowExecutionStatus.RUNNING
