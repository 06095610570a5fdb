"""The judgement: what is wrong with a trip, and with a supplier's books."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import groupby

from operations.audit import wording
from operations.audit.findings import Finding
from operations.audit.known import KnownTrip, Standing
from operations.audit.shops import Books, Held
from shared import Leg


def booking_id_of(key: str) -> str:
    """The booking that a key belongs to."""
    return key.partition(":")[0]


def judge_trip(
    booking_id: str,
    known: KnownTrip | None,
    held: Collection[Held],
    remembered_since: datetime,
    whole: Collection[Leg],
) -> Iterator[Finding]:
    """The findings about one trip.

    Args:
        booking_id: Its id.
        known: The trip according to Temporal.
        held: All its reservations at the suppliers.
        remembered_since: The start of Temporal's retention period.
        whole: The legs whose suppliers' books were read whole.
    """
    keys = known.keys() if known else {}
    own = [one for one in held if keys.get(one.leg) == one.key]
    # If an idempotency key is used again after the retention period, two trips share a booking id.
    others = [one for one in held if one not in own]
    for _, group in groupby(sorted(others, key=_trip_part), _trip_part):
        yield from _judge_alone(booking_id, list(group), own, remembered_since, whole)
    if known:
        yield from _judge_known(known, own)


def judge_books(books: Books) -> Iterator[Finding]:
    """The findings about a supplier's books alone."""
    for stock in books.stock:
        yield from wording.wrong_stock(books.leg, stock)
    for key in books.unexplained:
        yield wording.not_in_ledger(books.leg, key)


def _trip_part(held: Held) -> str:
    return held.key.rpartition(":")[0]


def _judge_known(known: KnownTrip, own: Collection[Held]) -> Iterator[Finding]:
    match known.standing:
        case Standing.BOOKED:
            held = {one.leg: one for one in own}
            for leg in Leg:
                if leg not in held:
                    yield wording.missing(known, leg)
                elif held[leg].item != known.trip.item(leg):
                    yield wording.wrong_item(known, held[leg])
        case Standing.CANCELLED:
            for one in own:
                yield wording.left_over(known, one)
        case Standing.STOPPED:
            yield wording.stopped(known, own)
        case Standing.NEEDS_ATTENTION:
            yield wording.needs_attention(known)


def _judge_alone(
    booking_id: str,
    held: Collection[Held],
    own: Collection[Held],
    remembered_since: datetime,
    whole: Collection[Leg],
) -> Iterator[Finding]:
    """Judge a trip that Temporal has never known or has forgotten: it must hold three legs."""
    young = [one for one in held if one.since >= remembered_since and not one.forgotten]
    for one in young:
        if one.leg in {mine.leg for mine in own}:
            yield wording.duplicate(booking_id, one)
        else:
            yield wording.unknown(booking_id, one)
    if not young and not {one.leg for one in held}.issuperset(whole):
        yield wording.incomplete(booking_id, held)
