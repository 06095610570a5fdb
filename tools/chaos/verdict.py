"""The verdict of a run: the responses, Temporal and the suppliers must agree."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx2
from temporalio.client import Client
from temporalio.service import RPCError

from bookings.plugin import plugin
from operations.audit.auditor import Report, audit
from operations.audit.known import KnownTrip, Standing, all_trips
from operations.audit.shops import open_shops
from shared import Leg, LegState, Status
from tools.chaos.record import Record
from tools.chaos.site import Site

QUIET_SECONDS = 180
IN_PROGRESS = "ExecutionStatus = 'Running' AND WorkflowType != 'NotifyWorkflow'"
"""A notice does not belong to its trip: it may wait an hour for its mail server."""

AT_ONCE = 10

OUTCOMES = {Standing.BOOKED: Status.BOOKED, Standing.CANCELLED: Status.CANCELLED}


async def judge(site: Site, records: Sequence[Record]) -> tuple[Report, list[str]]:
    """Wait until nothing is in progress, and audit; the texts are the violations."""
    client = await connect(site)
    trips = await when_quiet(client)
    report = await audit(client, open_shops(site.books))
    violations = [f"{it.booking_id or ''} ({it.kind}) {it.why}" for it in report.findings]
    violations += contradicted(records, trips)
    for owner in sorted({known.trip.owner for known in trips.values()}):
        own = {key: known for key, known in trips.items() if known.trip.owner == owner}
        async with site.http(owner) as http:
            violations += await shown_wrong(http, own)
    return report, violations


async def connect(site: Site) -> Client:
    """A client of the site's Temporal, which may be restarting."""
    while True:
        try:
            return await Client.connect(site.temporal, plugins=[plugin(site.settings)])
        except RuntimeError:
            await asyncio.sleep(0.5)


async def when_quiet(client: Client) -> dict[str, KnownTrip]:
    """All trips, once two checks in a row have found none in progress, or after a timeout."""
    deadline = time.monotonic() + QUIET_SECONDS
    quiet = 0
    while True:
        try:
            running = (await client.count_workflows(IN_PROGRESS)).count
        except RPCError:
            running = -1
        quiet = 0 if running else quiet + 1
        if quiet == 2 or time.monotonic() > deadline:
            return await all_trips(client)
        await asyncio.sleep(0.5)


def contradicted(records: Sequence[Record], trips: Mapping[str, KnownTrip]) -> Iterator[str]:
    """The clients whose responses are not true, or who have no booking, or two."""
    by_name: dict[str, list[KnownTrip]] = defaultdict(list)
    for trip in trips.values():
        by_name[trip.trip.name].append(trip)
    for record in records:
        name = record.errand.name
        for problem in [*record.problems, *contradictions(record, by_name.pop(name, []))]:
            yield f"{name} {sorted(record.booking_ids)}: {problem}"
    for name, unasked in by_name.items():
        yield f"{name}: {[trip.booking_id for trip in unasked]} were never requested"


def contradictions(record: Record, trips: Sequence[KnownTrip]) -> Iterator[str]:
    """The contradictions between a client's responses and its bookings."""
    errand, ids = record.errand, {trip.booking_id for trip in trips}
    if len(trips) > 1:
        yield f"it has {len(trips)} bookings: {sorted(ids)}"
    if not trips and record.must_exist:
        yield "its booking is lost"
    if errand.key and not record.outcome:
        yield "it never got an outcome"
    if not record.booking_ids <= ids:
        yield f"a response had another booking than its own: {sorted(ids)}"
    for trip in trips:
        if any(trip.trip.item(leg) != errand.body[leg] for leg in Leg):
            yield f"it requested other items: {errand.body}"
        outcome = OUTCOMES.get(trip.standing)
        if outcome is None:
            yield f"after {QUIET_SECONDS} s without load it has no outcome: {trip.standing}"
        elif record.outcome and not record.may_have_become(outcome):
            yield f"the last response was {record.outcome.status}, but the trip is {outcome}"


def named_in(folder: Path, records: Sequence[Record]) -> Iterator[str]:
    """The log lines that hold what a traveller has sent."""
    sent = {it for record in records for it in record.errand.body.values() if isinstance(it, str)}
    for log in folder.glob("*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if any(text in line for text in sent):
                yield f"a line of {log.name} names a traveller, or what was booked: {line}"


async def shown_wrong(http: httpx2.AsyncClient, trips: Mapping[str, KnownTrip]) -> list[str]:
    """The bookings that the service shows differently from Temporal, which was audited."""
    places = asyncio.Semaphore(AT_ONCE)

    async def wrong(trip: KnownTrip) -> str:
        async with places:
            while True:
                response = await http.get(f"/bookings/{trip.booking_id}")
                if response.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                    break
                await asyncio.sleep(1)
        if response.status_code != httpx2.codes.OK:
            return f"{trip.booking_id} is shown as {response.status_code}: {response.text}"
        shown = response.json()
        booked = [leg["state"] == LegState.BOOKED for leg in shown["legs"]]
        outcome = OUTCOMES.get(trip.standing)
        if shown["status"] != outcome or booked != [outcome is Status.BOOKED] * len(Leg):
            return f"{trip.booking_id} is {trip.standing}, and shown as {response.text}"
        return ""

    return [text for text in await asyncio.gather(*map(wrong, trips.values())) if text]
