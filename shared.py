"""What crosses a process boundary: inputs, outcomes, and the names that both sides use."""

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from temporalio.common import SearchAttributeKey

TASK_QUEUE_NAME = "saga-task-queue"
BOOK_WORKFLOW = "BookWorkflow"
BOOKING_ID = "trip-[0-9a-f]{32}"
"""The pattern of a booking id, which is also the id of its `BookWorkflow`."""

CANCEL_WORKFLOW = "CancelWorkflow"
CANCEL_SUFFIX = "/cancel"
"""The suffix that makes a booking id the id of its `CancelWorkflow`."""
NOTIFY_WORKFLOW = "NotifyWorkflow"
NOTIFY_SUFFIX = "/notify-{}"
"""What makes a workflow's id the id of its `NotifyWorkflow` about a status."""
ALERT_SUFFIX = "/alert"
"""What makes a workflow's id the id of its `AlertWorkflow`."""

TRIP_MEMO = "trip"
"""The memo field with the workflow's input, so readers do not need the history."""
OUTCOME_MEMO = "outcome"
"""The memo field with the `BookingOutcome` so far, once a booking has left the happy path."""
FOLLOW_UP_MEMO = "follow_up"
"""The memo field that asks staff to do something by hand."""
BOOKING_STATUS = SearchAttributeKey.for_keyword("BookingStatus")
TRAVELLER = SearchAttributeKey.for_keyword("Traveller")
OWNER = SearchAttributeKey.for_keyword("Owner")
SEARCH_WORDS = SearchAttributeKey.for_keyword_list("SearchWords")


class Leg(StrEnum):
    """The parts of a trip, in the order in which they are booked."""

    CAR = "car"
    HOTEL = "hotel"
    FLIGHT = "flight"


class Status(StrEnum):
    """The status of a booking."""

    RUNNING = "running"
    UNDOING = "undoing"
    NEEDS_ATTENTION = "needs_attention"
    BOOKED = "booked"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether a booking with this status has its outcome."""
        return self in {Status.BOOKED, Status.CANCELLED}


INVALID = "Invalid {} booking, rolling back!"
"""The reason of a leg that was refused as invalid, in the words of the API."""

DECLINED = {INVALID.format(leg): f"The {leg} declined this booking." for leg in Leg}
"""The same for travellers, on pages and in mail."""


class LegState(StrEnum):
    """The state of a leg; `booking` and `undoing` exist only while the booking runs."""

    NOT_ATTEMPTED = "not_attempted"
    BOOKING = "booking"
    BOOKED = "booked"
    REFUSED = "refused"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    SETTLED = "settled"


class Code(StrEnum):
    """Why a leg, or a booking, is not booked: what programs compare, beside the words for people.

    `released`: its key was released before. `no_answer`: no attempt was answered in time.
    """

    DECLINED = "declined"
    SOLD_OUT = "sold_out"
    INVALID = "invalid"
    RELEASED = "released"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    SETTLED = "settled"
    STOPPED = "stopped"


CODES = {
    "Refused": Code.DECLINED,
    "SoldOut": Code.SOLD_OUT,
    "Fenced": Code.RELEASED,
    "Invalid": Code.INVALID,
    "Busy": Code.BUSY,
    "NoPlace": Code.BUSY,
}
"""The codes of a supplier's exceptions, by their names, which are in every history."""


def code_of(failures: Sequence[str]) -> Code:
    """The code of a step that failed, from the types of its last failure and of that one's causes.

    There is none if no attempt was answered.
    """
    known = [CODES[name] for name in failures[:2] if name in CODES]
    return known[-1] if known else Code.UNAVAILABLE if failures else Code.NO_ANSWER


class Message(BaseModel):
    """A value sent through Temporal: add fields only with defaults, and never change a meaning."""

    model_config = ConfigDict(frozen=True)


class Pace(Message):
    """A saga's times, in seconds. They are part of its input, so a replay sees the same ones.

    `first_try` is how long a leg is tried in the workflow's own task first; 0 is not at all.
    """

    first_retry: float = 0.2
    longest_retry: float = 2
    attempt_timeout: float = 20
    heartbeat_timeout: float = 3
    leg_deadline: float = 60
    undo_patience: float = 10
    longest_undo_retry: float = 30
    notify_deadline: float = 3600
    first_try: float = 0


def fingerprint_of(request: dict[str, Any]) -> str:
    """64 bits of a checksum: another request with the same booking id has another fingerprint."""
    asked = ("name", "book_car_id", "book_hotel_id", "book_flight_id", "attempts", "email")
    canonical = json.dumps([request.get(field) for field in asked])
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class BookVacationInput(Message):
    """The input of `BookWorkflow` and `CancelWorkflow`: one trip for one traveller.

    `owner` is the client that booked it, and the only one that may see it; empty without tokens.
    `queues` names the task queues of the legs that have their own. `adopted`: Temporal has lost the
    booking, and the suppliers hold all three legs. `keyed`: its id comes from an idempotency key,
    which an older trip may have had.
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
    queues: dict[str, str] = {}
    adopted: bool = False
    keyed: bool = False

    def item(self, leg: Leg) -> str:
        """The item to book for a leg."""
        item: str = getattr(self, f"book_{leg}_id")
        return item

    @property
    def traveller(self) -> str:
        """The traveller's name."""
        return self.name or self.book_user_id

    def order(self, booking_id: str, leg: Leg) -> "LegOrder":
        """The input of a leg's activities, the same for booking and undoing."""
        return LegOrder(
            key=f"{booking_id}:{self.fingerprint}:{leg}",
            leg=leg,
            item=self.item(leg),
            traveller=self.traveller,
            attempts=self.attempts,
            tried=self.pace.first_try > 0 and leg not in self.queues,
        )


class LegOrder(Message):
    """The input of a leg's activities; `key` makes both idempotent at the supplier.

    `tried`: an attempt in the workflow's own task comes before all others.
    """

    key: str
    leg: Leg
    item: str
    traveller: str
    attempts: int = 1
    tried: bool = False


class StepDone(Message):
    """The result of a leg's activity: the number of the attempt that succeeded.

    `held` is an undo's: whether the leg was ever booked.
    """

    attempt: int
    held: bool = False


class LegOutcome(Message):
    """The outcome of a leg.

    `attempts` counts the known attempts to book it: a last one that died with its worker may be
    missing. `reason`, for travellers, and `code`, for programs, are why the leg is not booked.
    """

    leg: Leg
    item: str
    state: LegState = LegState.NOT_ATTEMPTED
    attempts: int = 0
    code: Code | None = None
    reason: str | None = None


class BookingOutcome(Message):
    """The result of `BookWorkflow`: the outcome of the trip and of each leg, in booking order."""

    status: Status
    legs: list[LegOutcome]
    code: Code | None = None
    reason: str | None = None


class SettledLeg(Message):
    """The input of `SettleWorkflow`: what to write into the supplier's ledger."""

    order: LegOrder
    note: str
    pace: Pace
    queue: str | None = None


class Notice(Message):
    """The input of `NotifyWorkflow`: the traveller to notify, and the outcome."""

    booking_id: str
    name: str
    email: str
    outcome: BookingOutcome
    pace: Pace


class AlertKind(StrEnum):
    """Why staff are told."""

    NEEDS_ATTENTION = "needs_attention"
    NOT_NOTIFIED = "not_notified"
    AUDIT = "audit"


class Alert(Message):
    """The input of `AlertWorkflow`: what staff are told of a booking. It names no traveller."""

    alert_id: str
    kind: AlertKind
    booking_id: str
    text: str
    pace: Pace
