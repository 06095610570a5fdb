"""The failure matrix: each fault of each leg, crossed with a cancellation at each moment."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from shared import Leg, LegState, Status
from tests.saga.world import Call, answer_lost, down

TABLE = Path(__file__).with_name("matrix.md")


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


HOPELESS = {
    Fault.DOWN,
    Fault.ANSWERS_LOST,
    Fault.LATE_BEFORE_UNDO,
    Fault.LATE_DURING_UNDO,
    Fault.LATE_AFTER_UNDO,
}
UNDO_FAULTS = {Fault.UNDO_FAILS, Fault.UNDO_STUCK}


class Case(NamedTuple):
    """One row of the matrix: what happens, and how the booking must end."""

    leg: Leg
    fault: Fault
    cancel: Cancel
    status: Status
    states: list[LegState]
    undos: list[Leg]

    def __str__(self) -> str:
        return f"{self.leg}: {self.fault}; cancelled {self.cancel}"

    @property
    def begun(self) -> list[Leg]:
        """The legs whose booking is tried, in order."""
        return list(Leg) if self.status is Status.BOOKED else self.undos[::-1]

    @property
    def refused(self) -> list[Leg]:
        """The legs that are sold out."""
        return [leg for leg, state in zip(Leg, self.states, strict=True) if state == "refused"]

    @property
    def waits_for_its_deadline(self) -> bool:
        """Whether a leg is tried in vain until its deadline."""
        return self.fault in HOPELESS or self.fails_after_it_was_booked

    @property
    def fails_after_it_was_booked(self) -> bool:
        """Whether the last leg is booked and then fails, so that its undo has something to do."""
        return self.fault in UNDO_FAULTS and self.leg is Leg.FLIGHT and self.cancel in AFTER_ALL


AFTER_ALL = {Cancel.NEVER, Cancel.DURING_UNDO}


def read_cases() -> list[Case]:
    """The rows of `matrix.md`."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in TABLE.read_text().splitlines()
        if line.startswith("| ")
    ]
    return [
        Case(
            Leg(leg),
            Fault(fault),
            Cancel(cancel),
            Status(status),
            [LegState(state.replace(" ", "_")) for state in states],
            [Leg(undone) for undone in undos.split(", ") if undone],
        )
        for leg, fault, cancel, status, *states, undos in rows[2:]
    ]


CASES = read_cases()


@dataclass
class Gate:
    """A point that a supplier call passes only when the test says so."""

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __call__(self, fault: Callable[[Call], None]) -> Callable[[Call], None]:
        """A fault that happens once the gate is open."""

        def gated(call: Call) -> None:
            self.reached.set()
            assert self.open.wait(120), "the test never opened this gate"
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
        if case.fails_after_it_was_booked:
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
        assert self.go.wait(120), "the undo never came"
        try:
            call()
        finally:
            self.over.set()

    def release(self, call: Call) -> None:
        if self.when is not Fault.LATE_AFTER_UNDO:
            self.go.set()
        if self.when is Fault.LATE_BEFORE_UNDO:
            assert self.over.wait(120), "the late booking never ended"
        call()
        self.go.set()
        assert self.over.wait(120), "the late booking never ended"
