"""Who is let in: a share for each client, and a bound for all of them together."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from runtime.buckets import Buckets
from settings import Settings
from web.refusals import NoPlace, TooFast, TooManyOpen, TooManyWaiting

MAILS_LATER = 60
"""Seconds until it is worth trying again."""

BURST_SECONDS = 2
"""How much of a client's rate may come at once."""


class Admission:
    """The waiting places of all, and each named client's share; for one event loop.

    Without tokens nobody knows one client from another, and there are no shares. `changed` is
    called with the number of requests that wait.
    """

    def __init__(self, settings: Settings, changed: Callable[[int], None]) -> None:
        self._settings = settings
        self._changed = changed
        self._free = settings.waiting_places
        self._waiting: Counter[str] = Counter()
        rate = settings.client_requests_per_second
        self._requests = Buckets(rate * BURST_SECONDS, rate)
        self._mails_of, self._mails_to = (
            Buckets(mails, mails / 3600)
            for mails in (settings.client_mails_per_hour, settings.address_mails_per_hour)
        )

    def count(self, client: str) -> None:
        """Count a request against a client's rate.

        Raises:
            TooFast: It comes too soon after too many others.
        """
        if client and self._requests.add(client) is None:
            raise TooFast

    def mail(self, client: str, address: str) -> bool:
        """Count a mail; False if it is one too many from the client, or to the address."""
        if client and self._mails_of.add(client) is None:
            return False
        return self._mails_to.add(address.lower()) is not None

    def check_open(self, client: str, open_bookings: int) -> None:
        """Check how many bookings of a client have not ended.

        Raises:
            TooManyOpen: It may have no more.
        """
        if client and open_bookings >= self._settings.client_open_bookings:
            raise TooManyOpen

    @asynccontextmanager
    async def place(self, client: str, seconds: float) -> AsyncIterator[None]:
        """Hold a waiting place; a request that does not wait needs none.

        Raises:
            TooManyWaiting: The client holds all that it may have. Nothing was started.
            NoPlace: All are taken. Nothing was started.
        """
        if not seconds:
            yield
            return
        if client and self._waiting[client] >= self._settings.client_waiting_places:
            raise TooManyWaiting
        if not self._free:
            raise NoPlace
        self._take(client, 1)
        try:
            yield
        finally:
            self._take(client, -1)

    def _take(self, client: str, places: int) -> None:
        self._free -= places
        self._waiting[client] += places
        self._waiting += Counter()  # drops those with none, or every client would stay in memory
        self._changed(self._settings.waiting_places - self._free)
