"""The counts in a list: right, and never waited for where counting takes long."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bookings import counts
from bookings.counts import Counts
from bookings.listing import Filter
from shared import Status
from tests.saga.world import until
from tools.helpers.processes import wait_until
from tools.helpers.service import Service, service


@dataclass
class Number:
    count: int


class ManyBookings:
    """A Temporal that counts ended bookings only when the test says so, and then as one each."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.each = 1

    async def count_workflows(self, query: str) -> Number:
        if "'Running'" not in query:
            await self.go.wait()
        return Number(0 if "WorkflowType = " in query else self.each)


async def booked(counting: Counts) -> int | None:
    found = await counting.of(Filter())
    return found[Status.BOOKED] if found else None


async def is_booked(counting: Counts, number: int) -> bool:
    return await booked(counting) == number


async def test_a_list_does_not_wait_for_a_count_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counts, "PATIENCE", 0.01)
    monkeypatch.setattr(counts, "MAX_SHARE", float("inf"))
    temporal: Any = ManyBookings()
    counting = Counts(temporal)
    assert await booked(counting) is None

    temporal.go.set()
    await until(lambda: is_booked(counting, 1))

    temporal.go.clear()
    temporal.each = 2
    found = await counting.of(Filter())
    assert found is not None
    assert (found[Status.RUNNING], found[Status.BOOKED]) == (2, 1), "the open ones are of now"

    temporal.go.set()
    await until(lambda: is_booked(counting, 2))


def test_the_whole_list_counts_what_has_ended_meanwhile(
    site: Service, temporal_port: int, tmp_path: Path
) -> None:
    """The client has a list of its own; its trips are booked by the worker that is there."""
    with service(tmp_path, temporal_port, API_TOKENS="counts:a-token-of-counts") as own:
        own.start_web()
        own.http.headers["Authorization"] = "Bearer a-token-of-counts"

        def counted(**expected: int) -> bool:
            found = own.http.get("/bookings").json().get("counts", {})
            return {status: number for status, number in found.items() if number} == expected

        wait_until(lambda: counted())
        kept = own.book().json()["booking_id"]
        later = own.book().json()["booking_id"]
        own.book(hotel="an invalid hotel")
        wait_until(lambda: counted(booked=2, cancelled=1))
        own.http.post(f"/bookings/{later}/cancel")
        wait_until(lambda: counted(booked=1, cancelled=2))
        assert own.status(kept) == "booked"
