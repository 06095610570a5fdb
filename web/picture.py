"""The picture of the saga, as SVG: three steps forward, and the same three back.

`python -m web.picture` prints it as a standalone file, with its styles inline.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, select_autoescape

from shared import Leg, LegOutcome, LegState, Status

ROOT = Path(__file__).parent.parent
STYLES = ("tokens.css", "picture.css")

WIDTH, GAP, LEFT = 84, 32, 38
"""The width of a leg's box, the gap between two boxes, and the left edge of the first."""

UNDONE = {LegState.UNDONE, LegState.SETTLED}
GIVEN_UP = {LegState.REFUSED, LegState.FAILED}


class Box(NamedTuple):
    """A leg in the picture: its position, its state, and the states of its two edges."""

    leg: Leg
    x: int
    state: LegState | None = None
    forward: str = ""
    back: str = ""


class Picture(NamedTuple):
    """The saga, showing a booking or all that can happen."""

    boxes: Sequence[Box]
    end: int
    status: Status | None = None


def picture_of(status: Status | None = None, legs: Sequence[LegOutcome] = ()) -> Picture:
    """The picture of a booking in its current state; without one, of all that can happen."""
    states: Mapping[Leg, LegState] = {leg.leg: leg.state for leg in legs}
    boxes = []
    for number, leg in enumerate(Leg):
        x = LEFT + number * (WIDTH + GAP)
        state = states.get(leg)
        boxes.append(Box(leg, x, state, forward_edge(state), back_edge(state, status)))
    return Picture(boxes, boxes[-1].x + WIDTH, status)


def forward_edge(state: LegState | None) -> str:
    """The state of the edge into a leg: `active` while the leg is being booked, `taken` after."""
    if state is LegState.BOOKING:
        return "active"
    return "" if state in {None, LegState.NOT_ATTEMPTED} else "taken"


def back_edge(state: LegState | None, status: Status | None) -> str:
    """The state of a leg's undo edge; a leg that was never booked is released too."""
    if state is LegState.UNDOING:
        return "active"
    back = state in UNDONE or (state in GIVEN_UP and status is not Status.RUNNING)
    return "taken" if back else ""


def main() -> None:
    """Print the picture of all that can happen."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "".join((ROOT / "web" / "static" / name).read_text() for name in STYLES)
    sys.stdout.write(templates.get_template("saga.svg").render(picture=picture_of(), style=style))


if __name__ == "__main__":
    main()
