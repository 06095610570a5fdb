"""The rows of `matrix.md`: how a trip must end in each case of its failure matrix."""

from pathlib import Path
from typing import NamedTuple

from shared import Leg, LegState, Status
from tools.saga_kit import Cancel, Fault

TABLE = Path(__file__).with_name("matrix.md")

What = tuple[str, Fault, Cancel]
"""The step of a case, its fault, and when it is cancelled."""


class Row(NamedTuple):
    """How a booking must end: its status, the states of its legs, and the undos in their order."""

    status: Status
    states: list[LegState]
    undos: list[str]


def read_rows() -> dict[What, Row]:
    """What `matrix.md` says."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in TABLE.read_text().splitlines()
        if line.startswith("| ")
    ]
    return {
        (f"do:{Leg(leg)}", Fault(fault), Cancel(cancel)): Row(
            Status(status),
            [LegState(state.replace(" ", "_")) for state in states],
            [f"undo:{Leg(undone)}" for undone in undos.split(", ") if undone],
        )
        for leg, fault, cancel, status, *states, undos in rows[2:]
    }
