"""How the shapes of the gallery call their partners: with retries, and nothing else."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

from examples.gallery.partners import Order, Partners, Trip

QUICK = timedelta(seconds=0.05)
ATTEMPT = timedelta(seconds=20)


async def book(trip: Trip, leg: str, do: Any = Partners.book) -> Any:
    """Book a leg, with retries until the trip's seconds are over."""
    limit = timedelta(seconds=trip.seconds)
    return await workflow.execute_activity_method(
        do,
        Order(trip.id, leg, f"{trip.id}:{leg}"),
        activity_id=f"book {leg}",
        start_to_close_timeout=limit,
        schedule_to_close_timeout=limit,
        retry_policy=RetryPolicy(initial_interval=QUICK, maximum_interval=4 * QUICK),
    )


async def undo(trip: Trip, leg: str, *, key: str | None = None, tries: int = 0) -> None:
    """Undo a leg, with that number of tries, or without a limit."""
    policy = RetryPolicy(initial_interval=QUICK, maximum_interval=4 * QUICK, maximum_attempts=tries)
    await workflow.execute_activity_method(
        Partners.undo,
        Order(trip.id, leg, key or f"{trip.id}:{leg}"),
        activity_id=f"undo {leg}",
        start_to_close_timeout=ATTEMPT,
        retry_policy=policy,
    )
