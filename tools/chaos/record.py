"""The responses to a client, and the contradictions in them."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import Status
from tools.chaos.plan import Errand

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass
class Answer:
    """An outcome in a response, and its time."""

    status: Status
    at: float


@dataclass
class Record:
    """The record of an errand.

    Attributes:
        errand: What the client is to do.
        booking_ids: The bookings in the responses.
        answered: Whether a response had the booking and its status.
        outcome: The last outcome in a response.
        cancel_asked: Whether it has sent a cancellation.
        cancel_done: Whether the service has confirmed the cancellation.
        problems: Everything that must not happen.
    """

    errand: Errand
    booking_ids: set[str] = field(default_factory=set)
    user_ids: set[str] = field(default_factory=set)
    answered: bool = False
    outcome: Answer | None = None
    cancel_asked: bool = False
    cancel_done: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def must_exist(self) -> bool:
        """Whether there must be a booking, because the client has a key or a response."""
        return self.errand.key is not None or self.answered

    def hear(self, answer: dict[str, Any], asked_at: float) -> Status:
        """Record a response to a request that was sent at `asked_at`.

        Outcomes are compared in the order of their requests: concurrent responses may overtake each
        other.
        """
        status = Status(answer["status"])
        self.answered = True
        self.booking_ids.add(answer["booking_id"])
        self.user_ids.add(answer["user_id"])
        if len(self.booking_ids) > 1 or len(self.user_ids) > 1:
            self.blame(f"it has two bookings: {self.booking_ids}, {self.user_ids}")
        if self.outcome and self.outcome.at < asked_at and not self.may_have_become(status):
            self.blame(f"a response was {self.outcome.status}, and a later one {status}")
        if status.is_final:
            self.outcome = Answer(status, time.monotonic())
        return status

    def blame(self, problem: str) -> None:
        """Record something that must not happen."""
        self.problems.append(problem)

    def may_have_become(self, status: Status) -> bool:
        """Whether this status may follow the last outcome."""
        if self.outcome is None:
            return True
        if self.cancel_done or self.outcome.status is Status.CANCELLED:
            return status is Status.CANCELLED
        return self.cancel_asked or status is Status.BOOKED


def keep(file: Path, rows: Iterable["DataclassInstance"]) -> None:
    """Write rows to a file, one per line."""
    with file.open("w") as kept:
        for row in rows:
            print(json.dumps(asdict(row), default=sorted), file=kept)
