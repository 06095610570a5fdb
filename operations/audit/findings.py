"""What an audit reports."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from shared import Leg


class Kind(StrEnum):
    """The kinds of findings, which docs/operating.md explains."""

    MISSING = "missing"
    WRONG_ITEM = "wrong-item"
    LEFT_OVER = "left-over"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    INCOMPLETE = "incomplete"
    STOPPED_HOLDING = "stopped-holding"
    STOCK = "stock"
    OVERSOLD = "oversold"
    LEDGER = "ledger"
    NEEDS_ATTENTION = "needs-attention"
    SETTLED_HELD = "settled-held"
    STOPPED = "stopped"


NOTES = {Kind.NEEDS_ATTENTION, Kind.SETTLED_HELD, Kind.STOPPED}
"""The kinds that break no promise."""


class Finding(BaseModel):
    """Something wrong, or something that needs a person."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    booking_id: str | None = None
    leg: Leg | None = None
    why: str
    todo: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_violation(self) -> bool:
        """Whether a promise is broken."""
        return self.kind not in NOTES
