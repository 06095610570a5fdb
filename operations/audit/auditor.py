"""One audit of a running system: anything that looks wrong is read again before it is reported."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, Field
from temporalio.client import Client
from temporalio.service import RPCError

from bookings.audited import LedgerLine, Shelf, StockLine
from bookings.retention import remembered_since
from operations.audit.findings import Finding
from operations.audit.judge import booking_id_of, judge_books, judge_trip
from operations.audit.known import KnownTrip, Standing, all_trips, these_trips
from operations.audit.shops import Books, CannotAuditError, Held, Shop
from shared import Leg

MOMENT = 1.0
"""Seconds between the two readings."""

ITEMS = 50
"""How many items of a supplier the desk shows."""


class Report(BaseModel):
    """The result of an audit.

    Two kinds of trips are not in Temporal, and were judged by the suppliers alone: those that are
    past its retention, and those whose travellers were forgotten on request. `shelves` is for the
    desk.
    """

    trips: dict[Standing, int]
    past_retention: int
    forgotten: int
    held: dict[Leg, int]
    findings: list[Finding]
    not_seen: list[str]
    shelves: list[Shelf] = Field(default_factory=list, exclude=True)

    @property
    def violations(self) -> list[Finding]:
        """The findings that break a promise."""
        return [finding for finding in self.findings if finding.is_violation]


async def audit(client: Client, shops: Sequence[Shop], moment: float = MOMENT) -> Report:
    """Compare Temporal with the suppliers; `moment` is the time between the two readings.

    Raises:
        CannotAuditError: Temporal or a supplier cannot be read.
    """
    try:
        since = await remembered_since(client)
        known = await all_trips(client)
        books = await read_all(shops, known.values())
        require_begun(books, known.values())
        held = by_booking(books)
        whole = {shelf.leg for shelf in books if shelf.whole}
        findings = judge(held.keys() | known.keys(), known, held, since, whole)
        if any(finding.is_violation for finding in findings) or wrong_in(books):
            await asyncio.sleep(moment)
            findings = await look_again(client, shops, findings, since)
    except RPCError as error:
        raise CannotAuditError(f"Temporal did not answer: {error.message}. Try again.") from error
    gone = [
        held[booking_id]
        for booking_id in held.keys() - known.keys()
        if all(one.forgotten or one.since < since for one in held[booking_id])
    ]
    forgotten = sum(any(one.forgotten for one in trip) for trip in gone)
    standings = Counter(trip.standing for trip in known.values())
    return Report(
        trips={standing: standings[standing] for standing in Standing},
        past_retention=len(gone) - forgotten,
        forgotten=forgotten,
        held={shelf.leg: len(shelf.held) for shelf in books},
        findings=findings,
        not_seen=[shop.blind_spot for shop in shops if shop.blind_spot],
        shelves=[shelf_of(one) for one in books],
    )


def shelf_of(books: Books) -> Shelf:
    """What staff see of a supplier: of its items, those with the least left."""
    shelf = Shelf(leg=books.leg, held=len(books.held))
    if not books.whole:
        return shelf
    scarce = sorted(
        books.stock, key=lambda it: (it.capacity is None, (it.capacity or 0) - it.taken)
    )
    shelf.stock = [
        StockLine(item=it.item, capacity=it.capacity, taken=it.taken, agrees=it.consistent)
        for it in scarce[:ITEMS]
    ]
    shelf.ledger = [LedgerLine.model_validate(it, from_attributes=True) for it in books.latest]
    return shelf


async def look_again(
    client: Client, shops: Sequence[Shop], first: Iterable[Finding], since: datetime
) -> list[Finding]:
    """The findings that a second reading confirms.

    Temporal is read before and after the suppliers. A booking that changed in between is in
    progress; only for one that did not change must the suppliers agree with Temporal.
    """
    suspects = {finding.booking_id for finding in first if finding.booking_id}
    before = await these_trips(client, suspects)
    books = await read_all(shops, before.values())
    after = await these_trips(client, suspects)
    steady = {suspect for suspect in suspects if before.get(suspect) == after.get(suspect)}
    whole = {shelf.leg for shelf in books if shelf.whole}
    return judge(steady, before, by_booking(books), since, whole) + wrong_in(books)


async def read_all(shops: Sequence[Shop], known: Iterable[KnownTrip]) -> list[Books]:
    """The books of all suppliers; partners are asked for the known trips only."""
    keys: dict[Leg, list[str]] = defaultdict(list)
    for trip in known:
        for leg, key in trip.keys().items():
            keys[leg].append(key)
    return await asyncio.gather(*(shop.read(keys[shop.leg]) for shop in shops))


def require_begun(books: Iterable[Books], known: Iterable[KnownTrip]) -> None:
    """Make sure that these are the worker's books: a wrong `DATA_DIR` looks like empty ones.

    Raises:
        CannotAuditError: A supplier has no books, although there are booked trips.
    """
    missing = [shelf.leg for shelf in books if not shelf.begun]
    if missing and any(trip.standing is Standing.BOOKED for trip in known):
        raise CannotAuditError(
            f"There are booked trips, but no books of the {missing[0]} supplier. "
            f"Check that {missing[0].upper()}_SUPPLIER and DATA_DIR are the worker's."
        )


def by_booking(books: Iterable[Books]) -> dict[str, list[Held]]:
    """The reservations of each booking."""
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
    whole: set[Leg],
) -> list[Finding]:
    """The findings about some trips."""
    return [
        finding
        for booking_id in sorted(booking_ids)
        for finding in judge_trip(
            booking_id, known.get(booking_id), held.get(booking_id, []), since, whole
        )
    ]


def wrong_in(books: Iterable[Books]) -> list[Finding]:
    """The findings about the books alone, without Temporal."""
    return [finding for shelf in books for finding in judge_books(shelf)]
