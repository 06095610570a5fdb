"""What can be broken, and mended: each button with what will be seen, and why it is safe."""

from collections.abc import Iterable
from typing import NamedTuple


class Button(NamedTuple):
    """One way to break or to mend something; its name is the order that the supervisor gets."""

    name: str
    says: str
    mends: bool = False

    @property
    def path(self) -> str:
        """Its name in a URL."""
        return self.name.lower().replace("'", "").replace(" ", "-")


class Lever(NamedTuple):
    """Something that can be broken, and its buttons; `id` names where its state is shown."""

    id: str
    title: str
    buttons: tuple[Button, ...]


KILL = Button(
    "Kill the worker",
    "A new worker makes attempt 2 of the interrupted step after some three seconds, with the same "
    "key: the supplier holds one reservation, not two.",
)
FREEZE = Button(
    "Freeze the worker",
    "Attempts time out, one after another; what is booked stays booked, and Temporal remembers "
    "what is still to do.",
)
THAW = Button(
    "Thaw the worker",
    "The trip continues, or is undone in full if a leg's deadline of a minute has passed; an "
    "attempt that comes late finds its key known.",
    mends=True,
)
STOP = Button(
    "Stop Temporal",
    "No step begins until it is back, and nothing is forgotten: every step so far is on its disk.",
)
START = Button("Start Temporal", "The trip continues from the last recorded step.", mends=True)
LOCK = Button(
    "Lock the hotel's database",
    "The hotel's step waits and is retried: a transaction that cannot begin has booked nothing. "
    "(The lock lasts half a minute at most.)",
)
UNLOCK = Button(
    "Unlock the hotel's database", "The next attempt books the hotel, once.", mends=True
)
BUG = Button(
    "Deploy a bug",
    "A new worker divides by zero before it books a flight: trips are put on hold with their car "
    "and hotel, as a bug is no reason to undo them.",
)
FIX = Button(
    "Deploy the fix",
    "Trips continue where the bug stopped them, when Temporal next tries: within some ten seconds, "
    "or more if the bug was there for long.",
    mends=True,
)

LEVERS = (
    Lever("worker", "The worker", (KILL, FREEZE, THAW)),
    Lever("temporal", "Temporal", (STOP, START)),
    Lever("hotel", "The hotel's database", (LOCK, UNLOCK)),
    Lever("code", "The worker's code", (BUG, FIX)),
)


def by_path(levers: Iterable[Lever]) -> dict[str, Button]:
    """Every button, by its name in a URL."""
    return {button.path: button for lever in levers for button in lever.buttons}
