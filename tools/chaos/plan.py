"""The plan of a run, all of it drawn from the seed: what goes wrong, and what clients do."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from shared import Leg

CAPACITY = 40
"""How many there are of each scarce item."""


class Act(StrEnum):
    """What is done to a victim."""

    KILL = "kill"
    FREEZE = "freeze"
    LOCK = "lock"


class Victim(StrEnum):
    """A process, or a supplier's database."""

    WORKER = "worker"
    WEB = "web server"
    WEB_CHILD = "web server's child"
    TEMPORAL = "Temporal server"
    CAR = "car"
    HOTEL = "hotel"
    FLIGHT = "flight"


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong `pause` seconds after the one before, and lasts `seconds`.

    `which` chooses one where there are several.
    """

    pause: float
    act: Act
    victims: tuple[Victim, ...]
    seconds: float = 0
    which: float = 0


Frequency = tuple[int, Act, tuple[Victim, ...], tuple[float, float]]

FREQUENCIES: list[Frequency] = [
    (5, Act.KILL, (Victim.WORKER,), (0, 0)),
    (2, Act.KILL, (Victim.WEB,), (0, 0)),
    (2, Act.KILL, (Victim.WEB_CHILD,), (0, 0)),
    (4, Act.KILL, (Victim.TEMPORAL,), (0, 0)),
    (1, Act.KILL, (Victim.WEB, Victim.TEMPORAL, Victim.WORKER), (0, 0)),
    (4, Act.FREEZE, (Victim.WORKER,), (1, 12)),  # up to longer than a leg's deadline
    (1, Act.FREEZE, (Victim.WEB_CHILD,), (1, 4)),
    (1, Act.FREEZE, (Victim.TEMPORAL,), (1, 4)),
    (1, Act.LOCK, (Victim.CAR,), (1, 4)),
    (1, Act.LOCK, (Victim.HOTEL,), (1, 4)),
    (1, Act.LOCK, (Victim.FLIGHT,), (8, 13)),  # longer than a connection waits for its turn
]
PAUSES = (0.2, 6.0)


def faults(seed: int) -> Iterator[Fault]:
    """What goes wrong, one thing after the other, without end."""
    chance = random.Random(f"{seed}/faults")  # noqa: S311
    weights = [frequency[0] for frequency in FREQUENCIES]
    while True:
        [(_, act, victims, lasts)] = chance.choices(FREQUENCIES, weights)
        yield Fault(chance.uniform(*PAUSES), act, victims, chance.uniform(*lasts), chance.random())


@dataclass(frozen=True)
class Errand:
    """What one client does: book a trip, and perhaps cancel it.

    Attributes:
        body: The request.
        key: The idempotency key; a client without one sends its request once.
        prefer_wait: The seconds that it asks the service to wait; None leaves that to the service.
        hang_ups: After how many seconds it hangs up, each time that it sends the request.
        twice: It sends the request twice at once.
        cancel: Whether it cancels the trip while that is being booked, or after.
        cancel_after: Seconds that it waits before it does.
        idle: Seconds before the client has another errand.
    """

    body: dict[str, Any]
    key: str | None
    prefer_wait: int | None
    hang_ups: tuple[float, ...]
    twice: bool
    cancel: Literal["soon", "later"] | None
    cancel_after: float
    idle: float

    @property
    def name(self) -> str:
        """The traveller, by whom the trip is known again: each errand has another."""
        return str(self.body["name"])


def errand(seed: int, number: int) -> Errand:
    """What the client that comes as number so-and-so does, whatever happens meanwhile."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311
    body: dict[str, Any] = {"name": f"Chaos {number}"}
    for leg in Leg:
        body[leg] = f"{chance.choice(['red', 'green', 'blue'])} {leg}"
    [special] = chance.choices(["", scarce("{}"), "invalid {}", "slow {}"], [70, 15, 10, 5])
    if special:
        leg = chance.choice(list(Leg))
        body[leg] = special.format(leg)
    body["attempts"] = chance.choices([1, 2, 3, 4], [80, 10, 6, 4])[0]
    key = f"errand-{seed}-{number}" if chance.random() < 0.6 else None
    hang_ups = tuple(
        chance.uniform(0.001, 0.4) for _ in range(chance.choices([0, 1, 2], [70, 20, 10])[0])
    )
    cancels: list[Literal["soon", "later"] | None] = [None, "soon", "later"]
    [cancel] = chance.choices(cancels, [70, 15, 15])
    return Errand(
        body=body,
        key=key,
        prefer_wait=0 if cancel == "soon" else chance.choices([None, 0, 1], [70, 15, 15])[0],
        hang_ups=hang_ups if key else hang_ups[:1],
        twice=key is not None and chance.random() < 0.15,
        cancel=cancel,
        cancel_after=chance.uniform(0, 0.5),
        idle=chance.uniform(0, 1),
    )


def scarce(leg: str) -> str:
    """The item of a leg of which there are only a few."""
    return f"scarce {leg}"
