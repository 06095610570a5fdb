"""What the suppliers hold: SQL ones show their books, partners are asked key by key."""

import asyncio
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from settings import Settings, give_up
from shared import Leg
from suppliers import open_supplier
from suppliers.http import HttpSupplier
from suppliers.sql_books import read_books
from suppliers.sql_schema import Stock

AT_ONCE = 20
TIMEOUT = 8.0


class CannotAuditError(Exception):
    """Temporal or a supplier cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Held:
    """A reservation that is booked at a leg's supplier."""

    leg: Leg
    key: str
    item: str
    since: datetime


@dataclass(frozen=True)
class Books:
    """What a supplier holds; `begun` tells whether it has books at all yet."""

    leg: Leg
    held: list[Held]
    stock: list[Stock] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    begun: bool = True


class Shop(Protocol):
    """A leg's supplier, to be read; `blind_spot` says what cannot be seen there."""

    leg: Leg
    blind_spot: str

    async def read(self, keys: Iterable[str]) -> Books:
        """The books; where only single keys can be asked for, what is held under these.

        Raises:
            CannotAuditError: The supplier cannot be reached.
        """


class SqlShop:
    """A supplier with books in SQL."""

    blind_spot = ""

    def __init__(self, url: str, leg: Leg) -> None:
        self.leg = leg
        self._url = url

    async def read(self, keys: Iterable[str]) -> Books:
        """See `Shop.read`; all is read, at one moment."""
        try:
            books = await asyncio.to_thread(read_books, self._url)
        except (SQLAlchemyError, OSError) as error:
            reason = getattr(error, "orig", None) or error  # the driver's words, without our SQL
            raise CannotAuditError(
                f"The {self.leg} supplier's database cannot be read: {reason}\n"
                f"Check {self.leg.upper()}_SUPPLIER and DATA_DIR: they are to be the worker's."
            ) from error
        if books is None:
            return Books(self.leg, [], begun=False)
        held = [Held(self.leg, row.key, row.item, row.since) for row in books.held]
        return Books(self.leg, held, books.stock, books.unexplained)


class Answer(BaseModel):
    """What a partner says of a key."""

    state: str
    item: str
    since: datetime = datetime.min.replace(tzinfo=UTC)


class PartnerShop:
    """A supplier over HTTP, which is asked key by key."""

    def __init__(self, url: str, leg: Leg) -> None:
        self.leg = leg
        self.blind_spot = (
            f"The {leg} supplier is a service over HTTP. It was asked for the trips that Temporal "
            "knows; its stock, its ledger and reservations of no known trip were not seen. "
            "Audit those where its books are kept."
        )
        self._url = url

    async def read(self, keys: Iterable[str]) -> Books:
        """See `Shop.read`."""
        places = asyncio.Semaphore(AT_ONCE)
        async with httpx2.AsyncClient(base_url=self._url, timeout=TIMEOUT) as client:

            async def ask(key: str) -> Held | None:
                async with places:
                    return self._held(key, await client.get(f"reservations/{quote(key, safe='')}"))

            try:
                held = await asyncio.gather(*map(ask, keys))
            except (httpx2.HTTPError, ValidationError) as error:
                raise CannotAuditError(
                    f"The {self.leg} supplier does not answer as it should: {error}\n"
                    f"Check {self.leg.upper()}_SUPPLIER, and that it answers GET."
                ) from error
        return Books(self.leg, [one for one in held if one])

    def _held(self, key: str, response: httpx2.Response) -> Held | None:
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer = Answer.model_validate_json(response.raise_for_status().content)
        if answer.state != "booked":
            return None
        return Held(self.leg, key, answer.item, answer.since)


def open_shops(settings: Settings) -> list[Shop]:
    """The suppliers that the settings name, as the worker has them; nothing is asked yet."""
    shops: list[Shop] = []
    for leg in Leg:
        url = settings.supplier_url(leg)
        try:
            supplier = open_supplier(url, leg, plain_http=settings.plain_http_suppliers)
        except ValueError as error:
            give_up(str(error))
        with closing(supplier):
            partner = isinstance(supplier, HttpSupplier)
        shops.append(PartnerShop(url, leg) if partner else SqlShop(url, leg))
    return shops
