"""The judgement of a run: what clients were told, what Temporal knows, what suppliers hold."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import httpx2
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from operations.audit.auditor import Report, audit
from operations.audit.known import KnownTrip, Standing, all_trips
from operations.audit.shops import open_shops
from shared import Leg, LegState, Status
from tools.chaos.record import Record
from tools.chaos.site import Site

QUIET_SECONDS = 180
AT_ONCE = 10

OUTCOMES = {Standing.BOOKED: Status.BOOKED, Standing.CANCELLED: Status.CANCELLED}


async def judge(site: Site, records: Sequence[Record]) -> tuple[Report, list[str]]:
    """Wait until nothing is in progress any more, and audit; the texts are the violations."""
    client = await connect(site)
    trips = await when_quiet(client)
    report = await audit(client, open_shops(site.settings))
    found = [f"{it.booking_id or ''} ({it.kind}) {it.why}" for it in report.findings]
    found += told_wrong(records, trips)
    async with site.http() as http:
        found += await shown_wrong(http, trips)
    return report, found


async def connect(site: Site) -> Client:
    """A client of the site's Temporal, which may be just starting again."""
    while True:
        try:
            return await Client.connect(
                f"127.0.0.1:{site.settings.temporal_port}", data_converter=pydantic_data_converter
            )
        except RuntimeError:
            await asyncio.sleep(0.5)


async def when_quiet(client: Client) -> dict[str, KnownTrip]:
    """All trips, once two looks have found none in progress; at the latest after a time limit."""
    deadline = time.monotonic() + QUIET_SECONDS
    quiet = 0
    while True:
        try:
            running = (await client.count_workflows("ExecutionStatus = 'Running'")).count
        except RPCError:
            running = -1
        quiet = 0 if running else quiet + 1
        if quiet == 2 or time.monotonic() > deadline:
            return await all_trips(client)
        await asyncio.sleep(0.5)


def told_wrong(records: Sequence[Record], trips: Mapping[str, KnownTrip]) -> Iterator[str]:
    """Where a client was told something else than what is, or has no booking, or two."""
    by_name: dict[str, list[KnownTrip]] = defaultdict(list)
    for trip in trips.values():
        by_name[trip.trip.name].append(trip)
    for record in records:
        name = record.errand.name
        for problem in [*record.problems, *contradictions(record, by_name.pop(name, []))]:
            yield f"{name} {sorted(record.booking_ids)}: {problem}"
    for name, unasked in by_name.items():
        yield f"{name}: {[trip.booking_id for trip in unasked]} were never asked for"


def contradictions(record: Record, trips: Sequence[KnownTrip]) -> Iterator[str]:
    """What a client was told, against its bookings."""
    errand, ids = record.errand, {trip.booking_id for trip in trips}
    if len(trips) > 1:
        yield f"it has {len(trips)} bookings: {sorted(ids)}"
    if not trips and record.must_exist:
        yield "its booking is lost"
    if errand.key and not record.said:
        yield "it never got an answer"
    if not record.booking_ids <= ids:
        yield f"it was told of another booking than its own: {sorted(ids)}"
    for trip in trips:
        if any(trip.trip.item(leg) != errand.body[leg] for leg in Leg):
            yield f"it asked for other items: {errand.body}"
        outcome = OUTCOMES.get(trip.standing)
        if outcome is None:
            yield f"after {QUIET_SECONDS} s of quiet it has no outcome: {trip.standing}"
        elif record.said and not record.may_have_become(outcome):
            yield f"it was told {record.said.status} last, but the trip is {outcome}"


async def shown_wrong(http: httpx2.AsyncClient, trips: Mapping[str, KnownTrip]) -> list[str]:
    """Which bookings the service shows otherwise than Temporal, which was audited, knows them."""
    places = asyncio.Semaphore(AT_ONCE)

    async def wrong(trip: KnownTrip) -> str:
        async with places:
            response = await http.get(f"/bookings/{trip.booking_id}")
        if response.status_code != httpx2.codes.OK:
            return f"{trip.booking_id} is shown as {response.status_code}: {response.text}"
        shown = response.json()
        booked = [leg["state"] == LegState.BOOKED for leg in shown["legs"]]
        outcome = OUTCOMES.get(trip.standing)
        if shown["status"] != outcome or booked != [outcome is Status.BOOKED] * len(Leg):
            return f"{trip.booking_id} is {trip.standing}, and shown as {response.text}"
        return ""

    return [text for text in await asyncio.gather(*map(wrong, trips.values())) if text]
