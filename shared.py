"""What crosses a process border: a booking's input, its outcome, and the names both sides use."""

import hashlib
import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from temporalio.common import SearchAttributeKey

TASK_QUEUE_NAME = "saga-task-queue"
BOOK_WORKFLOW = "BookWorkflow"
BOOKING_ID = "trip-[0-9a-f]{32}"
"""The pattern of a booking's id, which is the id of its `BookWorkflow`."""

CANCEL_WORKFLOW = "CancelWorkflow"
CANCEL_SUFFIX = "/cancel"
"""What the id of the `CancelWorkflow` of a booked trip adds to the booking's id."""

TRIP_MEMO = "trip"
"""The memo field with the workflow's input, where readers find it without the history."""
OUTCOME_MEMO = "outcome"
"""The memo field with the `BookingOutcome` so far of a booking that did not go straight through."""
FOLLOW_UP_MEMO = "follow_up"
"""The memo field that asks staff to do by hand what could not be done."""
BOOKING_STATUS = SearchAttributeKey.for_keyword("BookingStatus")
TRAVELLER = SearchAttributeKey.for_keyword("Traveller")
OWNER = SearchAttributeKey.for_keyword("Owner")


class Leg(StrEnum):
    """The parts of a trip, in the order in which they are booked."""

    CAR = "car"
    HOTEL = "hotel"
    FLIGHT = "flight"


class Status(StrEnum):
    """How a booking stands; the last two are final."""

    RUNNING = "running"
    UNDOING = "undoing"
    NEEDS_ATTENTION = "needs_attention"
    BOOKED = "booked"
    CANCELLED = "cancelled"


class LegState(StrEnum):
    """How a leg stands; `booking` and `undoing` are seen only while the booking runs."""

    NOT_ATTEMPTED = "not_attempted"
    BOOKING = "booking"
    BOOKED = "booked"
    REFUSED = "refused"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    SETTLED = "settled"


class Message(BaseModel):
    """A value sent through Temporal: fields may be added, with defaults; none changes meaning."""

    model_config = ConfigDict(frozen=True)


class Pace(Message):
    """The times of a saga, in seconds. They travel in its input, so that a replay sees the same."""

    first_retry: float = 0.2
    longest_retry: float = 2
    attempt_timeout: float = 20
    heartbeat_timeout: float = 3
    leg_deadline: float = 60
    undo_patience: float = 10
    longest_undo_retry: float = 30
    notify_deadline: float = 3600


def fingerprint_of(request: dict[str, Any]) -> str:
    """64 bits that tell this request from another made with the same booking id."""
    asked = ("name", "book_car_id", "book_hotel_id", "book_flight_id", "attempts", "email")
    canonical = json.dumps([request.get(field) for field in asked])
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class BookVacationInput(Message):
    """The input of `BookWorkflow` and `CancelWorkflow`: one trip for one traveller.

    `owner` is the client that booked it, and the only one that may see it; empty without tokens.
    """

    book_user_id: str
    book_car_id: str
    book_hotel_id: str
    book_flight_id: str
    attempts: int = 1
    name: str = ""
    email: str | None = None
    owner: str = ""
    fingerprint: str = Field(default_factory=fingerprint_of)
    pace: Pace = Pace()

    def item(self, leg: Leg) -> str:
        """What is to be booked for a leg."""
        item: str = getattr(self, f"book_{leg}_id")
        return item

    def order(self, booking_id: str, leg: Leg) -> "LegOrder":
        """What a leg's activities are told, the same to book and to undo."""
        return LegOrder(
            key=f"{booking_id}:{self.fingerprint}:{leg}",
            leg=leg,
            item=self.item(leg),
            traveller=self.name or self.book_user_id,
            attempts=self.attempts,
        )


class LegOrder(Message):
    """The input of a leg's activities; `key` makes both of them idempotent at the supplier."""

    key: str
    leg: Leg
    item: str
    traveller: str
    attempts: int = 1


class StepDone(Message):
    """The result of a leg's activity: the number of the attempt that succeeded."""

    attempt: int


class LegOutcome(Message):
    """What became of a leg.

    `attempts` counts the tries to book it that are known of: one that died with its worker, and
    was the last, may be missing. `reason` is for travellers: why it is not booked.
    """

    leg: Leg
    item: str
    state: LegState = LegState.NOT_ATTEMPTED
    attempts: int = 0
    reason: str | None = None


class BookingOutcome(Message):
    """The result of `BookWorkflow`: what became of the trip and of each leg, in booking order."""

    status: Status
    legs: list[LegOutcome]
    reason: str | None = None


class SettledLeg(Message):
    """The input of `SettleWorkflow`: what to write into the supplier's ledger."""

    order: LegOrder
    note: str
    pace: Pace


class Notice(Message):
    """The input of `NotifyWorkflow`: whom to tell about which outcome."""

    booking_id: str
    name: str
    email: str
    outcome: BookingOutcome
    pace: Pace
