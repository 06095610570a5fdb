"""One audit of a running system: what looks off is read a second time before it is reported."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel
from temporalio.client import Client
from temporalio.service import RPCError

from operations.audit.findings import Finding
from operations.audit.judge import booking_id_of, judge_books, judge_trip
from operations.audit.known import KnownTrip, Standing, all_trips, remembered_since, these_trips
from operations.audit.shops import Books, CannotAuditError, Held, Shop
from shared import Leg

MOMENT = 1.0
"""Seconds between two looks."""


class Report(BaseModel):
    """What an audit has found.

    `forgotten` counts the trips that Temporal does not know any more, which were judged at the
    suppliers alone.
    """

    trips: dict[Standing, int]
    forgotten: int
    held: dict[Leg, int]
    findings: list[Finding]
    not_seen: list[str]

    @property
    def violations(self) -> list[Finding]:
        """The findings that break a promise."""
        return [finding for finding in self.findings if finding.is_violation]


async def audit(client: Client, shops: Sequence[Shop], moment: float = MOMENT) -> Report:
    """Compare Temporal with the suppliers; `moment` is the time between two looks.

    Raises:
        CannotAuditError: One of them cannot be read.
    """
    try:
        since = await remembered_since(client)
        known = await all_trips(client)
        books = await read_all(shops, known.values())
        require_begun(books, known.values())
        held = by_booking(books)
        findings = judge(held.keys() | known.keys(), known, held, since)
        if any(finding.is_violation for finding in findings) or off_in(books):
            await asyncio.sleep(moment)
            findings = await look_again(client, shops, findings, since)
    except RPCError as error:
        raise CannotAuditError(f"Temporal did not answer: {error.message}. Try again.") from error
    standings = Counter(trip.standing for trip in known.values())
    return Report(
        trips={standing: standings[standing] for standing in Standing},
        forgotten=sum(
            all(one.since < since for one in held[booking_id])
            for booking_id in held.keys() - known.keys()
        ),
        held={shelf.leg: len(shelf.held) for shelf in books},
        findings=findings,
        not_seen=[shop.blind_spot for shop in shops if shop.blind_spot],
    )


async def look_again(
    client: Client, shops: Sequence[Shop], first: Iterable[Finding], since: datetime
) -> list[Finding]:
    """What is still off of what looked off.

    A booking that moves on between Temporal's two answers is in progress: only of one that stays
    as it is, the suppliers must hold what Temporal says.
    """
    suspects = {finding.booking_id for finding in first if finding.booking_id}
    before = await these_trips(client, suspects)
    books = await read_all(shops, before.values())
    after = await these_trips(client, suspects)
    steady = {suspect for suspect in suspects if before.get(suspect) == after.get(suspect)}
    return judge(steady, before, by_booking(books), since) + off_in(books)


async def read_all(shops: Sequence[Shop], known: Iterable[KnownTrip]) -> list[Books]:
    """The books of all suppliers; partners are asked for the trips that are known."""
    keys: dict[Leg, list[str]] = defaultdict(list)
    for trip in known:
        for leg, key in trip.keys().items():
            keys[leg].append(key)
    return await asyncio.gather(*(shop.read(keys[shop.leg]) for shop in shops))


def require_begun(books: Iterable[Books], known: Iterable[KnownTrip]) -> None:
    """Make sure that these are the books in which the booked trips stand.

    Raises:
        CannotAuditError: They have never been written to, and there are booked trips.
    """
    missing = [shelf.leg for shelf in books if not shelf.begun]
    if missing and any(trip.standing is Standing.BOOKED for trip in known):
        raise CannotAuditError(
            f"There are booked trips, but no books of the {missing[0]} supplier. "
            f"Check {missing[0].upper()}_SUPPLIER and DATA_DIR: they are to be the worker's."
        )


def by_booking(books: Iterable[Books]) -> dict[str, list[Held]]:
    """What is held for each booking."""
    held: dict[str, list[Held]] = defaultdict(list)
    for shelf in books:
        for one in shelf.held:
            held[booking_id_of(one.key)].append(one)
    return held


def judge(
    booking_ids: Iterable[str],
    known: Mapping[str, KnownTrip],
    held: Mapping[str, list[Held]],
    since: datetime,
) -> list[Finding]:
    """What is off about some trips."""
    return [
        finding
        for booking_id in sorted(booking_ids)
        for finding in judge_trip(
            booking_id, known.get(booking_id), held.get(booking_id, []), since
        )
    ]


def off_in(books: Iterable[Books]) -> list[Finding]:
    """What is off about the books in themselves."""
    return [finding for shelf in books for finding in judge_books(shelf)]
