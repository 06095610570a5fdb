"""A worker with a bug in the code that books the flight: `python -m local.break_it.buggy_worker`.

No file is changed, and no workflow knows of it: the bug is put into this process only.
"""

import asyncio

import run_worker
from saga import Step
from saga_workflows import Trip
from shared import Leg

correct = Trip.step


def step_with_a_bug(trip: Trip, leg: Leg) -> Step:
    """The step of a leg, but the flight's is not found."""
    if leg is Leg.FLIGHT:
        raise ZeroDivisionError("the bug that the demo deployed")
    return correct(trip, leg)


if __name__ == "__main__":
    Trip.step = step_with_a_bug  # type: ignore[method-assign, assignment]
    asyncio.run(run_worker.main())
