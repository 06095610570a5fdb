"""A client of the service, which does one errand and does not give up before it is done."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from shared import Status
from tools.chaos.plan import Errand
from tools.chaos.record import FINAL, Record

TIMEOUT = 12.0
"""Seconds; longer than the service waits for an outcome, and not so long as a freeze may last."""

RETRY_SECONDS = 0.3


@dataclass
class Load:
    """All that clients did: what they were told, how often they asked, and what was booked when.

    `bookings` has, for each that was answered as booked, when it was sent and answered.
    """

    records: list[Record] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    bookings: list[tuple[float, float]] = field(default_factory=list)


class Client:
    """Sends one errand's requests, until it has an outcome."""

    def __init__(self, http: httpx2.AsyncClient, load: Load, errand: Errand) -> None:
        self.http = http
        self.load = load
        self.errand = errand
        self.record = Record(errand)
        load.records.append(self.record)

    async def run(self) -> None:
        """Do the errand; what must not happen is noted in its record."""
        times = 2 if self.errand.twice else 1
        await asyncio.gather(*(self._book() for _ in range(times)))
        if not self.record.booking_ids or not self.record.answered:
            return
        if self.errand.cancel:
            await asyncio.sleep(self.errand.cancel_after)
            await self._cancel()
        elif self.record.said is None:
            await self._follow()

    async def _book(self) -> None:
        """Send the request until it is answered; without a key, once."""
        hang_ups = list(self.errand.hang_ups)
        headers = {}
        if self.errand.key:
            headers["Idempotency-Key"] = self.errand.key
        if self.errand.prefer_wait is not None:
            headers["Prefer"] = f"wait={self.errand.prefer_wait}"
        for attempt in range(1_000_000):
            self.load.counts["sent again"] += attempt > 0
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
        """Ask to cancel until the service says that it is done."""
        booking_id = next(iter(self.record.booking_ids))
        self.record.cancel_asked = True
        while True:
            self.load.counts["cancels"] += 1
            sent = time.monotonic()
            answer = await self._send(f"/bookings/{booking_id}/cancel", TIMEOUT)
            if answer is not None:
                status = self.record.hear(answer, sent)
                if status is Status.BOOKED:
                    self.record.blame("it asked to cancel, and was told that it is booked")
                if status in FINAL:
                    self.record.cancel_done = True
                    return
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        """Ask how the booking stands until it has an outcome."""
        booking_id = next(iter(self.record.booking_ids))
        while self.record.said is None:
            sent = time.monotonic()
            answer = await self._send(f"/bookings/{booking_id}", TIMEOUT, method="GET")
            if answer is not None:
                self.record.hear(answer, sent)
            await asyncio.sleep(RETRY_SECONDS)

    async def _send(
        self, path: str, patience: float, method: str = "POST", **request: Any
    ) -> dict[str, Any] | None:
        """The answer, if it tells of a booking; None if the same is to be sent again."""
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
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.load.counts["told to try again"] += 1
        else:
            self.record.blame(
                f"{method} {path} was answered {response.status_code}: {response.text}"
            )
        return None
