"""What a client was told, and what of it contradicts itself."""

import time
from dataclasses import dataclass, field
from typing import Any

from shared import Status
from tools.chaos.plan import Errand

FINAL = {Status.BOOKED, Status.CANCELLED}


@dataclass
class Said:
    """An outcome that a client was told, and when."""

    status: Status
    at: float


@dataclass
class Record:
    """An errand on its way.

    Attributes:
        errand: What the client is to do.
        booking_ids: The bookings that answers named.
        answered: Whether the service took the request on: it named the booking and its status.
        said: The last outcome that the client was told.
        cancel_asked: Whether it has asked to cancel.
        cancel_done: Whether it was told that this is done.
        problems: What must not have happened.
    """

    errand: Errand
    booking_ids: set[str] = field(default_factory=set)
    user_ids: set[str] = field(default_factory=set)
    answered: bool = False
    said: Said | None = None
    cancel_asked: bool = False
    cancel_done: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def must_exist(self) -> bool:
        """Whether there has to be a booking: the client has a key, or an answer."""
        return self.errand.key is not None or self.answered

    def hear(self, answer: dict[str, Any], asked_at: float) -> Status:
        """Take in what the service says of the booking, as an answer to a request of `asked_at`.

        Outcomes are compared in the order in which they were asked for: the answers of two
        requests at once may overtake each other.
        """
        status = Status(answer["status"])
        self.answered = True
        self.booking_ids.add(answer["booking_id"])
        self.user_ids.add(answer["user_id"])
        if len(self.booking_ids) > 1 or len(self.user_ids) > 1:
            self.blame(f"it got two bookings: {self.booking_ids}, {self.user_ids}")
        if self.said and self.said.at < asked_at and not self.may_have_become(status):
            self.blame(f"it was told {self.said.status}, and later {status}")
        if status in FINAL:
            self.said = Said(status, time.monotonic())
        return status

    def blame(self, problem: str) -> None:
        """Note something that must not have happened."""
        self.problems.append(problem)

    def may_have_become(self, status: Status) -> bool:
        """Whether this may follow on the last outcome that the client was told."""
        if self.said is None:
            return True
        if self.cancel_done or self.said.status is Status.CANCELLED:
            return status is Status.CANCELLED
        return self.cancel_asked or status is Status.BOOKED
