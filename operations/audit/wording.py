"""The text of each finding: why it is one, and what to do."""

from collections.abc import Iterable

from operations.audit.findings import Finding, Kind
from operations.audit.known import KnownTrip
from operations.audit.shops import Held
from shared import Leg
from suppliers.sql_schema import Stock

RELEASE = "Find out whether anybody needs it. If not, release the key at its supplier"


def missing(known: KnownTrip, leg: Leg) -> Finding:
    """A booked trip lacks a leg."""
    return Finding(
        kind=Kind.MISSING,
        booking_id=known.booking_id,
        leg=leg,
        why=f"It is booked, but its {leg} ({known.trip.item(leg)}) is not held.",
        todo=f"Reserve the {leg} again under its key, {known.keys()[leg]}, "
        "or cancel the trip and inform the traveller.",
    )


def wrong_item(known: KnownTrip, held: Held) -> Finding:
    """A leg is held, but with another item than was booked."""
    return Finding(
        kind=Kind.WRONG_ITEM,
        booking_id=known.booking_id,
        leg=held.leg,
        why=f'Its {held.leg} is held as "{held.item}", and was booked as '
        f'"{known.trip.item(held.leg)}".',
        todo=f"Ask the {held.leg} supplier who changed it, and agree with the traveller.",
    )


def left_over(known: KnownTrip, held: Held) -> Finding:
    """A cancelled trip still holds a leg."""
    if held.leg in known.settled:
        return Finding(
            kind=Kind.SETTLED_HELD,
            booking_id=known.booking_id,
            leg=held.leg,
            why=f"An operator settled its {held.leg}, and the supplier does not know yet.",
            todo="Nothing. The key is released as soon as the supplier can be reached.",
        )
    return Finding(
        kind=Kind.LEFT_OVER,
        booking_id=known.booking_id,
        leg=held.leg,
        why=f"It is cancelled, but its {held.leg} ({held.item}) is still held.",
        todo=f"{RELEASE}: {held.key}",
    )


def duplicate(booking_id: str, held: Held) -> Finding:
    """A trip holds a leg twice."""
    return Finding(
        kind=Kind.DUPLICATE,
        booking_id=booking_id,
        leg=held.leg,
        why=f"Its {held.leg} is held twice: this one ({held.item}) has a key that is not "
        "the trip's.",
        todo=f"{RELEASE}: {held.key}",
    )


def unknown(booking_id: str, held: Held) -> Finding:
    """Something is held for a trip that Temporal does not know."""
    return Finding(
        kind=Kind.UNKNOWN,
        booking_id=booking_id,
        leg=held.leg,
        why=f"A {held.leg} ({held.item}) has been held since {held.since:%Y-%m-%d %H:%M} UTC for a "
        "trip that Temporal does not know, although it is within the retention period.",
        todo="Check that TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are the worker's. If Temporal has "
        f"lost the trip, run: python -m operations adopt {held.key}",
    )


def incomplete(booking_id: str, held: Iterable[Held]) -> Finding:
    """A trip that is no longer in Temporal holds only some of its legs."""
    legs = {one.leg: one.key for one in held}
    return Finding(
        kind=Kind.INCOMPLETE,
        booking_id=booking_id,
        why=f"Temporal has forgotten it, and it holds only: {', '.join(legs)}.",
        todo=f"The ledgers show what happened. {RELEASE}: {', '.join(legs.values())}",
    )


def stopped(known: KnownTrip, held: Iterable[Held]) -> Finding:
    """A workflow was stopped before the trip was booked or undone."""
    keys = {one.leg: one.key for one in held}
    if not keys:
        return Finding(
            kind=Kind.STOPPED,
            booking_id=known.booking_id,
            why="Its workflow was stopped from outside. Nothing is held for it.",
            todo="Inform the traveller that there is no trip, if nobody has yet.",
        )
    return Finding(
        kind=Kind.STOPPED_HOLDING,
        booking_id=known.booking_id,
        why=f"Its workflow was stopped from outside, and it still holds: {', '.join(keys)}.",
        todo=f"Nothing undoes this automatically. {RELEASE}: {', '.join(keys.values())}",
    )


def needs_attention(known: KnownTrip) -> Finding:
    """An undo takes longer than it should."""
    return Finding(
        kind=Kind.NEEDS_ATTENTION,
        booking_id=known.booking_id,
        why="A supplier keeps refusing to undo it.",
        todo="Temporal's Web UI shows why. Fix the supplier; or release the leg by other means, "
        f"then run: python -m operations settle {known.booking_id} <leg> --by <you> --note <how>",
    )


def wrong_stock(leg: Leg, stock: Stock) -> list[Finding]:
    """What is wrong with an item's stock."""
    found = []
    if not stock.consistent:
        found.append(
            Finding(
                kind=Kind.STOCK,
                leg=leg,
                why=f'{leg.capitalize()} "{stock.item}": {stock.taken} taken, but '
                f"{stock.booked} reservations.",
                todo="If the ledger agrees with the reservations, set taken to their number.",
            )
        )
    if stock.capacity is not None and max(stock.taken, stock.booked) > stock.capacity:
        found.append(
            Finding(
                kind=Kind.OVERSOLD,
                leg=leg,
                why=f'{leg.capitalize()} "{stock.item}" is oversold: '
                f"{max(stock.taken, stock.booked)} of {stock.capacity}.",
                todo="Raise its capacity, or cancel trips that have it.",
            )
        )
    return found


def not_in_ledger(leg: Leg, key: str) -> Finding:
    """A reservation does not match its ledger entries."""
    return Finding(
        kind=Kind.LEDGER,
        booking_id=key.partition(":")[0],
        leg=leg,
        why=f"The {leg} supplier's ledger does not explain the state of this reservation: {key}",
        todo="Somebody edited the database, or restored it from a backup. "
        "Compare the reservation with the ledger's rows for this key.",
    )
