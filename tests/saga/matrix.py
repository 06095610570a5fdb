"""The failure matrix: each fault of each leg, crossed with a cancellation at each moment."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from shared import Leg, LegState, Status
from tests.saga.world import Call, answer_lost, down

LEGS = list(Leg)


class Fault(StrEnum):
    """What goes wrong with one leg."""

    NONE = "nothing"
    REFUSED = "refused"
    DOWN_FOR_A_WHILE = "down for three tries"
    DOWN = "down past its deadline"
    ANSWER_LOST = "committed, answer lost once"
    ANSWERS_LOST = "committed, answer lost until its deadline"
    LATE_BEFORE_UNDO = "timed out, committed before the undo"
    LATE_DURING_UNDO = "timed out, committed during the undo"
    LATE_AFTER_UNDO = "timed out, committed after the undo"
    UNDO_FAILS = "undo fails three times"
    UNDO_STUCK = "undo stuck until it is settled"


class Cancel(StrEnum):
    """When the booking is cancelled, as seen from that leg."""

    NEVER = "never"
    BEFORE = "before the leg"
    IN_FLIGHT = "while it is in flight"
    INSTANT = "in the instant of its completion"
    DURING_UNDO = "during the undo"


FAILS = {
    Fault.REFUSED: LegState.REFUSED,
    Fault.DOWN: LegState.FAILED,
    Fault.ANSWERS_LOST: LegState.FAILED,
    Fault.LATE_BEFORE_UNDO: LegState.FAILED,
    Fault.LATE_DURING_UNDO: LegState.FAILED,
    Fault.LATE_AFTER_UNDO: LegState.FAILED,
}
"""The faults that end in a leg which cannot be booked, and its state then."""

UNDO_FAULTS = {Fault.UNDO_FAILS, Fault.UNDO_STUCK}


@dataclass(frozen=True)
class Case:
    """One line of the matrix."""

    leg: Leg
    fault: Fault
    cancel: Cancel

    def __str__(self) -> str:
        return f"{self.leg}: {self.fault}; cancelled {self.cancel}"

    @property
    def plays(self) -> bool:
        """Whether this differs from every other case: its fault is met, and its moment comes."""
        if self.cancel is Cancel.BEFORE:
            return self.fault is Fault.NONE
        if self.cancel is Cancel.DURING_UNDO:
            return self.fault in FAILS or self.fault in UNDO_FAULTS
        return True

    @property
    def refused_later(self) -> Leg | None:
        """The leg that is refused only to start the undo that the case is about."""
        asks_for_undo = self.fault in UNDO_FAULTS and self.cancel in {
            Cancel.NEVER,
            Cancel.DURING_UNDO,
        }
        return Leg.FLIGHT if asks_for_undo and self.leg is not Leg.FLIGHT else None

    @property
    def fails(self) -> LegState | None:
        """The state of the leg if it cannot be booked."""
        if self.leg is Leg.FLIGHT and self.refused_itself:
            return LegState.FAILED
        return FAILS.get(self.fault)

    @property
    def refused_itself(self) -> bool:
        """Whether the last leg fails, after it was booked, so that there is something to undo."""
        return self.fault in UNDO_FAULTS and self.cancel in {Cancel.NEVER, Cancel.DURING_UNDO}

    def expected(self) -> tuple[Status, list[LegState]]:
        """How the booking must end."""
        at = LEGS.index(self.leg)
        booked = [LegState.BOOKED] * 3
        if self.cancel is Cancel.BEFORE:
            return Status.CANCELLED, ended(at, LegState.NOT_ATTEMPTED)
        own = LegState.SETTLED if self.fault is Fault.UNDO_STUCK else self.fails or LegState.UNDONE
        if self.refused_later:
            states = [LegState.UNDONE, LegState.UNDONE, LegState.REFUSED]
            states[at] = own
            return Status.CANCELLED, states
        if self.fails or self.cancel is not Cancel.NEVER:
            return Status.CANCELLED, ended(at, own)
        return Status.BOOKED, booked

    def begun(self) -> list[Leg]:
        """The legs whose booking is tried, in order."""
        if self.refused_later:
            return LEGS
        at = LEGS.index(self.leg)
        return LEGS[:at] if self.cancel is Cancel.BEFORE else LEGS[: at + 1]


def ended(at: int, own: LegState) -> list[LegState]:
    """States of a trip that ended at a leg: undone before it, not attempted after it."""
    return [LegState.UNDONE] * at + [own] + [LegState.NOT_ATTEMPTED] * (2 - at)


CASES = [case for parts in product(LEGS, Fault, Cancel) if (case := Case(*parts)).plays]


@dataclass
class Gate:
    """A point that a supplier call passes only when the test says so."""

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __call__(self, fault: Callable[[Call], None]) -> Callable[[Call], None]:
        """A fault that happens once the gate is open."""

        def gated(call: Call) -> None:
            self.reached.set()
            assert self.open.wait(60), "the test never opened this gate"
            fault(call)

        return gated


def well(call: Call) -> None:
    """Nothing goes wrong."""
    call()


@dataclass
class Script:
    """What the calls of one booking meet, by leg; the last fault of a list goes on for ever."""

    reserve: dict[Leg, list[Callable[[Call], None]]]
    release: dict[Leg, list[Callable[[Call], None]]]
    released: list[Leg] = field(default_factory=list)

    @classmethod
    def of(cls, case: Case) -> "Script":
        """The script of a case, without its cancellation."""
        script = cls({leg: [well] for leg in Leg}, {leg: [well] for leg in Leg})
        reserve, release = script.reserve, script.release
        match case.fault:
            case Fault.DOWN_FOR_A_WHILE:
                reserve[case.leg] = [down, down, down, well]
            case Fault.DOWN:
                reserve[case.leg] = [down]
            case Fault.ANSWER_LOST:
                reserve[case.leg] = [answer_lost, well]
            case Fault.ANSWERS_LOST:
                reserve[case.leg] = [answer_lost]
            case Fault.UNDO_FAILS:
                release[case.leg] = [down, answer_lost, down, well]
            case Fault.UNDO_STUCK:
                release[case.leg] = [down]
            case Fault.LATE_BEFORE_UNDO | Fault.LATE_DURING_UNDO | Fault.LATE_AFTER_UNDO:
                late = Late(case.fault)
                reserve[case.leg], release[case.leg] = [late.reserve], [late.release, well]
        if case.leg is Leg.FLIGHT and case.refused_itself:
            reserve[Leg.FLIGHT] = [answer_lost]
        return script

    @staticmethod
    def next(faults: list[Callable[[Call], None]]) -> Callable[[Call], None]:
        """The fault that the next call meets."""
        return faults.pop(0) if len(faults) > 1 else faults[0]


class Late:
    """A booking that hangs past its deadline, and commits at a chosen moment of its undo."""

    def __init__(self, when: Fault) -> None:
        self.when = when
        self.go, self.over = threading.Event(), threading.Event()

    def reserve(self, call: Call) -> None:
        assert self.go.wait(60), "the undo never came"
        try:
            call()
        finally:
            self.over.set()

    def release(self, call: Call) -> None:
        if self.when is not Fault.LATE_AFTER_UNDO:
            self.go.set()
        if self.when is Fault.LATE_BEFORE_UNDO:
            assert self.over.wait(60), "the late booking never ended"
        call()
        self.go.set()
        assert self.over.wait(60), "the late booking never ended"
