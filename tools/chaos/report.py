"""The report of a run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter

from operations.audit.auditor import Report
from operations.audit.known import Standing
from tools.chaos.client import Load
from tools.chaos.faults import Done
from tools.chaos.plan import Act


def lines(load: Load, havoc: Sequence[Done], audited: Report, seconds: float) -> Iterator[str]:
    """The report, line by line."""
    keyed = sum(record.errand.key is not None for record in load.records)
    yield f"  requested   {len(load.records)} trips in {seconds:.0f} s, {keyed} of them with a key"
    yield "  clients     " + ", ".join(f"{count} {what}" for what, count in load.counts.items())
    for act in Act:
        each = Counter(done.victim for done in havoc if done.act is act)
        victims = ", ".join(f"{count} {victim}" for victim, count in each.most_common())
        yield f"  {f'{act}s':<12}{each.total()}" + (f": {victims}" if victims else "")
    yield f"  recovery    {longest_recovery(load, havoc)}"
    yield from totals(audited)


def totals(audited: Report) -> Iterator[str]:
    """What became of the trips, and what the suppliers hold."""
    trips = audited.trips
    yield "  bookings    " + ", ".join(f"{trips[one]} {one}" for one in Standing if trips[one])
    yield "  held        " + ", ".join(f"{count} {leg}s" for leg, count in audited.held.items())


def longest_recovery(load: Load, havoc: Sequence[Done]) -> str:
    """The longest time from a kill to the first completed booking that was sent after it."""
    recoveries = []
    for done in havoc:
        answered = [at for sent, at in load.bookings if sent >= done.at]
        if done.act is Act.KILL and answered:
            more = sum(done.at < other.at < min(answered) for other in havoc)
            recoveries.append((min(answered) - done.at, done, more))
    if not recoveries:
        return "no kill was followed by a booking"
    seconds, done, more = max(recoveries, key=itemgetter(0))
    return (
        f"at most {seconds:.1f} s, from the kill of a {done.victim} at {done.clock} "
        f"to the next booked trip, with {more} more faults in between"
    )
