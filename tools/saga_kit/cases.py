"""The failure matrix: each fault of each step, crossed with a cancellation at each moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

Role = StrEnum("Role", "STEP PIVOT AFTER")
"""A step can be undone; the pivot decides; what comes after it is only ever retried."""


class Fault(StrEnum):
    """What goes wrong with one step."""

    NONE = "nothing"
    REFUSED = "refused"
    DOWN_FOR_A_WHILE = "down for three tries"
    DOWN = "down for good"
    ANSWER_LOST = "committed, answer lost once"
    ANSWERS_LOST = "committed, answer lost for ever"
    LATE_BEFORE_UNDO = "timed out, committed before the undo"
    LATE_DURING_UNDO = "timed out, committed during the undo"
    LATE_AFTER_UNDO = "timed out, committed after the undo"
    UNDO_FAILS = "undo fails three times"
    UNDO_STUCK = "undo stuck until it is settled"


class Cancel(StrEnum):
    """When the workflow is cancelled, as seen from that step."""

    NEVER = "never"
    BEFORE = "before the step"
    IN_FLIGHT = "while it is in flight"
    INSTANT = "in the instant of its completion"
    DURING_UNDO = "during the undo"


LATE = {Fault.LATE_BEFORE_UNDO, Fault.LATE_DURING_UNDO, Fault.LATE_AFTER_UNDO}
ENDLESS = {Fault.DOWN, Fault.ANSWERS_LOST}
HOPELESS = ENDLESS | LATE
UNDO_FAULTS = {Fault.UNDO_FAILS, Fault.UNDO_STUCK}


@dataclass(frozen=True)
class Step:
    """An activity of the happy run, with what undoes it and all the undos that its refusal starts.

    An activity's name is the id that the workflow gave it, or else its type (`ship`), with a number
    if that ran before (`ship#2`).
    """

    name: str
    undo: str | None = None
    undos: tuple[str, ...] = ()
    role: Role = Role.STEP


@dataclass(frozen=True)
class Case:
    """One case of the matrix.

    `fails` is a step that fails as well, so that an undo that goes wrong has something to do;
    `before` is the activity in whose last instant a cancellation comes before the step.
    """

    step: Step
    fault: Fault = Fault.NONE
    cancel: Cancel = Cancel.NEVER
    cached: bool = True
    fails: Step | None = None
    before: str | None = None

    def __str__(self) -> str:
        memory = "cached" if self.cached else "replayed"
        return f"{self.step.name}: {self.fault}; cancelled {self.cancel}; {memory}"

    @property
    def waits_for_its_deadline(self) -> bool:
        """Whether a step is tried in vain: give the workflow a short deadline for it."""
        return self.fails == self.step or (self.fault in HOPELESS and self.step.role is Role.STEP)

    @property
    def needs_an_operator(self) -> bool:
        """Whether nothing but a person, or the partner's return, can end it."""
        refused_after = self.fault is Fault.REFUSED and self.step.role is Role.AFTER
        endless = self.fault in ENDLESS and self.step.role is not Role.STEP
        return self.fault is Fault.UNDO_STUCK or endless or refused_after


def every_case(steps: Sequence[Step], *, cached: bool = True) -> list[Case]:
    """Every case of these steps, with the worker's memory of workflows, or without it."""
    last = [step for step in steps if step.role is not Role.AFTER][-1]
    names = [None, *(step.name for step in steps)]
    return [
        Case(step, fault, cancel, cached, _fails(step, fault, cancel, last), before)
        for step, before in zip(steps, names, strict=False)
        for fault in _faults(step)
        for cancel in _cancels(step, fault)
    ]


def _faults(step: Step) -> Iterator[Fault]:
    for fault in Fault:
        if fault in UNDO_FAULTS or fault in LATE - {Fault.LATE_AFTER_UNDO}:
            if step.undo:
                yield fault
        elif fault is not Fault.LATE_AFTER_UNDO or step.role is Role.STEP:
            yield fault


def _cancels(step: Step, fault: Fault) -> Iterator[Cancel]:
    yield Cancel.NEVER
    if fault is Fault.NONE:
        yield Cancel.BEFORE
    yield Cancel.IN_FLIGHT
    if fault not in ENDLESS or step.role is Role.STEP:  # otherwise it never ends by itself
        yield Cancel.INSTANT
    undone = fault in HOPELESS and step.role is Role.STEP
    undone = undone or (fault is Fault.REFUSED and step.role is not Role.AFTER)
    if fault in UNDO_FAULTS or (undone and step.undos):
        yield Cancel.DURING_UNDO


def _fails(step: Step, fault: Fault, cancel: Cancel, last: Step) -> Step | None:
    """The step that fails so that there is an undo; at the last one a cancel may do for that."""
    if fault not in UNDO_FAULTS or (step == last and cancel in {Cancel.IN_FLIGHT, Cancel.INSTANT}):
        return None
    return last
