"""A client of the service, which does not give up before its errand is done."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any

import httpx2

from shared import Status
from tools.chaos.plan import Errand
from tools.chaos.record import Record

TIMEOUT = 12.0
"""Seconds: longer than the service waits for an outcome, shorter than the longest freeze."""

RETRY_SECONDS = 0.3


@dataclass
class Load:
    """Everything that the clients did: their records, and counts of their requests.

    `bookings` has the times of the request and the response of each booked trip.
    """

    records: list[Record] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    bookings: list[tuple[float, float]] = field(default_factory=list)


class Client:
    """Sends an errand's requests until it has an outcome."""

    def __init__(self, http: httpx2.AsyncClient, load: Load, errand: Errand) -> None:
        self.http = http
        self.load = load
        self.errand = errand
        self.record = Record(errand)
        load.records.append(self.record)

    async def run(self) -> None:
        """Do the errand; its record gets everything that must not happen."""
        times = 2 if self.errand.twice else 1
        await asyncio.gather(*(self.book() for _ in range(times)))
        if not self.record.booking_ids or not self.record.answered:
            return
        if self.errand.cancel:
            await asyncio.sleep(self.errand.cancel_after)
            await self._cancel()
        elif self.record.outcome is None:
            await self._follow()

    async def book(self) -> None:
        """Send the request until there is a response; without a key, send it once."""
        hang_ups = list(self.errand.hang_ups)
        headers = {}
        if self.errand.key:
            headers["Idempotency-Key"] = self.errand.key
        if self.errand.prefer_wait is not None:
            headers["Prefer"] = f"wait={self.errand.prefer_wait}"
        for attempt in count():
            self.load.counts["retries"] += attempt > 0
            patience = hang_ups.pop() if hang_ups else TIMEOUT
            sent = time.monotonic()
            answer = await self._send("/book", patience, json=self.errand.body, headers=headers)
            if answer is not None:
                if self.record.hear(answer, sent) is Status.BOOKED:
                    self.load.bookings.append((sent, time.monotonic()))
                return
            if self.errand.key is None:
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _cancel(self) -> None:
        """Send cancellations until the service confirms one."""
        booking_id = next(iter(self.record.booking_ids))
        self.record.cancel_asked = True
        while True:
            self.load.counts["cancels"] += 1
            sent = time.monotonic()
            answer = await self._send(f"/bookings/{booking_id}/cancel", TIMEOUT)
            if answer is not None:
                status = self.record.hear(answer, sent)
                if status is Status.BOOKED:
                    self.record.blame("it cancelled, but the response was `booked`")
                if status.is_final:
                    self.record.cancel_done = True
                    return
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        """Poll the booking until it has an outcome."""
        booking_id = next(iter(self.record.booking_ids))
        while self.record.outcome is None:
            sent = time.monotonic()
            answer = await self._send(f"/bookings/{booking_id}", TIMEOUT, method="GET")
            if answer is not None:
                self.record.hear(answer, sent)
            await asyncio.sleep(RETRY_SECONDS)

    async def _send(
        self, path: str, patience: float, method: str = "POST", **request: Any
    ) -> dict[str, Any] | None:
        """The response, if it is about a booking; None if the request must be retried."""
        self.load.counts["requests"] += 1
        try:
            async with asyncio.timeout(patience):
                response = await self.http.request(method, path, **request)
        except TimeoutError:
            self.load.counts["hung up"] += 1
            return None
        except httpx2.TransportError:
            self.load.counts["cut off"] += 1
            return None
        if response.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            answer: dict[str, Any] = response.json()
            return answer
        if response.status_code in {
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
        }:
            self.load.counts[f"{response.status_code}s"] += 1
            await asyncio.sleep(float(response.headers.get("Retry-After", 0)))
        else:
            self.record.blame(f"{method} {path}: status {response.status_code}, {response.text}")
        return None
