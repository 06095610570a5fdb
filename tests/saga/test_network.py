"""The failure matrix over networks: all or none, whatever becomes of the requests to a supplier.

The worker calls three services (`python -m suppliers serve`) over real connections.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from activities import Activities, Shares
from shared import Leg, Pace, Status
from suppliers.http import HttpSupplier
from suppliers.mail import Mailer
from suppliers.sql import SqlSupplier
from tests.saga.networks import BAD, GOOD, late, networks
from tests.saga.world import AnyWorld, ended, until
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.temporal_server import free_port, listens

pytestmark = pytest.mark.long

SIDE_BY_SIDE = 40
PATIENT = 120
"""Seconds that a case may take to get anywhere on a busy machine."""


class When(StrEnum):
    """Which of a leg's requests meet the bad network."""

    FIRST_TRY = "its first request to book"
    EVERY_TRY = "each request to book"
    FIRST_UNDO = "its first request to undo"
    MANY_UNDOS = "each request to undo, until it needs attention"


@dataclass
class Case:
    """One booking, and the bad network that it meets."""

    leg: Leg
    network: str
    when: When
    met: int = 0
    healed: bool = False

    def __str__(self) -> str:
        return f"{self.leg}: {self.when} goes where the network {self.network}"

    @property
    def undone(self) -> bool:
        """Whether the trip is booked, and then cancelled by its traveller."""
        return self.when in {When.FIRST_UNDO, When.MANY_UNDOS}

    @property
    def status(self) -> Status:
        """How it must end."""
        return Status.BOOKED if self.when is When.FIRST_TRY else Status.CANCELLED

    @property
    def pace(self) -> Pace:
        """A short deadline where it is to pass, and a long one for a busy machine where not."""
        return Pace(
            first_retry=0.02,
            longest_retry=0.2,
            longest_undo_retry=0.2,
            heartbeat_timeout=20,
            leg_deadline=3 if self.when is When.EVERY_TRY else PATIENT,
            undo_patience=0.5 if self.when is When.MANY_UNDOS else PATIENT,
        )

    def network_for(self, leg: Leg, *, undo: bool) -> str:
        """The network of its next request."""
        if leg is not self.leg or undo is not self.undone or self.healed:
            return GOOD
        self.met += 1
        self.healed = self.when in {When.FIRST_TRY, When.FIRST_UNDO}
        return self.network


class Networked:
    """A `Supplier` that each booking reaches over the networks of its case."""

    def __init__(
        self, leg: Leg, over: Mapping[str, HttpSupplier], cases: Mapping[str, Case]
    ) -> None:
        self.leg = leg
        self.over = over
        self.cases = cases

    def reserve(self, key: str, item: str, traveller: str) -> None:
        self._supplier(key, undo=False).reserve(key, item, traveller)

    def release(self, key: str) -> bool:
        return self._supplier(key, undo=True).release(key)

    def settle(self, key: str, note: str) -> None:
        raise NotImplementedError

    def forget(self, key: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Whoever made the networks closes them."""

    def _supplier(self, key: str, *, undo: bool) -> HttpSupplier:
        case = self.cases[key.partition(":")[0]]
        return self.over[case.network_for(self.leg, undo=undo)]


Town = AnyWorld[SqlSupplier]


@pytest.fixture
def cases() -> dict[str, Case]:
    """Each case, by the id of its booking."""
    every = [Case(leg, network, when) for when in When for network in BAD for leg in Leg]
    return {f"trip-{uuid4().hex}": case for case in every}


@pytest.fixture
def town(client: Client, tmp_path: Path, cases: dict[str, Case]) -> Iterator[Town]:
    """A world whose suppliers are services, and whose books can be looked into."""
    environment = Environment(tmp_path)
    with ExitStack() as stack:
        town = Town(client, tmp_path, SqlSupplier)
        stack.callback(town.close)
        suppliers = {}
        for leg in Leg:
            port = free_port()
            serve = ("-m", "suppliers", "serve", leg, "--port", str(port))
            stack.enter_context(started(environment, tmp_path / f"{leg}.log", *serve))
            wait_until(lambda port=port: listens(port))  # type: ignore[misc]
            suppliers[leg] = Networked(leg, stack.enter_context(networks(leg, port)), cases)
        many = Shares(SIDE_BY_SIDE, SIDE_BY_SIDE)
        town.activities = Activities(suppliers, None, Mailer("", "trips@example.com"), many)
        yield town


async def test_all_or_none_over_every_network(
    town: Town, cases: dict[str, Case], capsys: pytest.CaptureFixture[str]
) -> None:
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def play(booking_id: str, case: Case) -> list[str]:
        async with places:
            return await outcome(town, booking_id, case)

    async with town.worker():
        wrong = await asyncio.gather(*(play(*case) for case in cases.items()))
    assert [line for lines in wrong for line in lines] == []
    await until(lambda: not late.pending)  # what comes now must not be taken any more
    held = {row.key.partition(":")[0] for shop in town.suppliers.values() for row in shop.held()}
    assert held == {it for it, case in cases.items() if case.status is Status.BOOKED}
    with capsys.disabled():
        print(f" {len(cases)} cases", end="")


async def outcome(town: Town, booking_id: str, case: Case) -> list[str]:
    """Play a case; everything that is not as it must be."""
    items: dict[str, Any] = {f"book_{leg}_id": f"{leg} of {booking_id}" for leg in Leg}
    handle = await town.start(case.pace, booking_id, **items)
    ending = handle
    wrong = []
    await ended(handle, PATIENT)
    if case.undone:
        if (told := (await town.read(handle)).status) is not Status.BOOKED:
            wrong.append(f"{case}: it was {told} before it was cancelled")
        ending = await town.cancel_booked(handle)
    if case.when is When.MANY_UNDOS:

        async def needs_attention() -> bool:
            # On a busy machine another leg, which is undone before, may need it first.
            return case.met > 0 and (await town.read(handle)).status is Status.NEEDS_ATTENTION

        await until(needs_attention, PATIENT)
        case.healed = True
    await ended(ending, PATIENT)
    told, held = (await town.read(handle)).status, town.held(handle)
    if told is not case.status:
        wrong.append(f"{case}: it is {told}")
    if held != (list(Leg) if told is Status.BOOKED else []):
        wrong.append(f"{case}: it is {told}, and held is {held}")
    if not case.met:
        wrong.append(f"{case}: it never met the network")
    return wrong
