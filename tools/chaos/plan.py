"""The plan of a run, drawn entirely from its seed: the faults and the errands."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from shared import Leg

CAPACITY = 40
"""The capacity of each scarce item."""


class Act(StrEnum):
    """What is done to a victim."""

    KILL = "kill"
    FREEZE = "freeze"
    LOCK = "lock"
    RESTART = "restart"


class Victim(StrEnum):
    """A process, or a database."""

    WORKER = "worker"
    WEB = "web server"
    TEMPORAL = "Temporal server"
    CAR = "car"
    HOTEL = "hotel"
    FLIGHT = "flight"
    FRONTEND = "frontend"
    HISTORY = "history"
    MATCHING = "matching"
    SUPPLIER = "supplier"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True)
class Fault:
    """A fault, `pause` seconds after the previous one, that lasts `seconds`.

    `which`, from 0 to 1, picks a victim if there are several.
    """

    pause: float
    act: Act
    victims: tuple[Victim, ...]
    seconds: float = 0
    which: float = 0


Frequency = tuple[int, Act, tuple[Victim, ...], tuple[float, float]]

FREQUENCIES: list[Frequency] = [
    (5, Act.KILL, (Victim.WORKER,), (0, 0)),
    (4, Act.KILL, (Victim.WEB,), (0, 0)),
    (4, Act.KILL, (Victim.TEMPORAL,), (0, 0)),
    (1, Act.KILL, (Victim.WEB, Victim.TEMPORAL, Victim.WORKER), (0, 0)),
    (4, Act.FREEZE, (Victim.WORKER,), (1, 12)),  # the maximum exceeds a leg's deadline
    (1, Act.FREEZE, (Victim.WEB,), (1, 4)),
    (1, Act.FREEZE, (Victim.TEMPORAL,), (1, 4)),
    (1, Act.LOCK, (Victim.CAR,), (1, 4)),
    (1, Act.LOCK, (Victim.HOTEL,), (1, 4)),
    (1, Act.LOCK, (Victim.FLIGHT,), (8, 13)),  # longer than a connection waits for a lock
]
Pauses = tuple[float, float]

PAUSES: Pauses = (0.2, 6.0)
IN_A_CLUSTER_PAUSES: Pauses = (0.2, 3.0)
"""Shorter, since a fault there often waits for its victim: 60 kills should fit into 280 s."""

IN_A_CLUSTER: list[Frequency] = [
    (4, Act.KILL, (Victim.HISTORY,), (0, 0)),
    (3, Act.KILL, (Victim.MATCHING,), (0, 0)),
    (3, Act.KILL, (Victim.FRONTEND,), (0, 0)),
    (1, Act.KILL, (Victim.FRONTEND, Victim.HISTORY, Victim.MATCHING), (0, 0)),
    (3, Act.KILL, (Victim.WEB,), (0, 0)),
    (4, Act.KILL, (Victim.WORKER,), (0, 0)),
    (3, Act.KILL, (Victim.SUPPLIER,), (0, 0)),
    (4, Act.RESTART, (Victim.POSTGRES,), (0, 0)),
    (2, Act.FREEZE, (Victim.WORKER,), (1, 12)),
    (1, Act.FREEZE, (Victim.HISTORY,), (1, 4)),
    (1, Act.FREEZE, (Victim.SUPPLIER,), (1, 12)),
]


def faults(
    seed: int, frequencies: list[Frequency] = FREQUENCIES, pauses: Pauses = PAUSES
) -> Iterator[Fault]:
    """An endless sequence of faults."""
    chance = random.Random(f"{seed}/faults")  # noqa: S311
    weights = [frequency[0] for frequency in frequencies]
    while True:
        [(_, act, victims, lasts)] = chance.choices(frequencies, weights)
        yield Fault(chance.uniform(*pauses), act, victims, chance.uniform(*lasts), chance.random())


@dataclass(frozen=True)
class Errand:
    """What a client does: book a trip, and perhaps cancel it.

    Attributes:
        body: The request.
        key: The idempotency key; a client without one sends its request once.
        prefer_wait: The seconds in its `Prefer` header; None: no header.
        hang_ups: The seconds after which it hangs up, for each time that it sends the request.
        twice: Whether it sends the request twice at once.
        cancel: Whether it cancels the trip, while it is being booked or later.
        cancel_after: Seconds until it cancels.
        idle: Seconds until the client's next errand.
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
        """The traveller's name, which is unique, so it identifies the errand's trips."""
        return str(self.body["name"])


def errand(seed: int, number: int) -> Errand:
    """The errand with this number, which depends on nothing but the seed."""
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
    """The scarce item of a leg."""
    return f"scarce {leg}"
