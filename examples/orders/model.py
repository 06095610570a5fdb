"""What crosses a process border: an order, and what became of it."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from saga import Options, State

QUEUE, PAYMENTS_QUEUE = "order-queue", "payment-processing-queue"
PARTS = ("picked", "packed", "labelled", "handed over")
OPTIONS = {
    "stock": Options(),
    "payment": Options(deadline=600, task_queue=PAYMENTS_QUEUE),  # it may have to wait its turn
    "confirmation": Options(),
    "shipment": Options(attempt=86_400, patience=3_600, longest_undo_retry=5),
}
STATUS = SearchAttributeKey.for_keyword("OrderStatus")
SEARCHABLE: list[SearchAttributeKey[Any]] = [
    SearchAttributeKey.for_keyword("OrderId"),
    SearchAttributeKey.for_keyword("OrderCustomer"),
    SearchAttributeKey.for_int("OrderAmount"),
    STATUS,
]
Status = StrEnum("Status", "RUNNING COMMITTED UNDOING NEEDS_ATTENTION SHIPPED CANCELLED")


@dataclass(frozen=True)
class Order:
    """The input of the workflow and of its activities; times are in seconds."""

    order_id: str
    customer: str
    item: str
    amount: int  # in minor units of the currency, such as cents
    currency: str = "EUR"
    quantity: int = 1
    rehearse: dict[str, str] = field(default_factory=dict)  # a fault for an activity
    part_seconds: float = 1.5
    slow_seconds: float = 5
    notify_seconds: float = 20
    options: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {step: options._asdict() for step, options in OPTIONS.items()}
    )
    note: str = ""  # how it ended, or who settled a step: for what follows

    def key(self, step: str) -> str:
        """What makes a step and its undo idempotent; another request has another one."""
        request = [self.customer, self.item, self.quantity, self.amount, self.currency]
        fingerprint = hashlib.sha256(json.dumps(request).encode()).hexdigest()[:16]
        return f"{self.order_id}:{fingerprint}:{step}"

    def search_attributes(self) -> TypedSearchAttributes:
        """What the order can be found by."""
        values = self.order_id, self.customer, self.amount, Status.RUNNING
        return TypedSearchAttributes(list(map(SearchAttributePair, SEARCHABLE, values)))


@dataclass(frozen=True)
class StepOutcome:
    """What became of a step, and why it is not done."""

    state: State
    reason: str | None


@dataclass(frozen=True)
class OrderOutcome:
    """What became of an order, and whether it was asked to cancel past its point of no return."""

    status: Status
    steps: dict[str, StepOutcome]
    reason: str | None
    too_late: bool
