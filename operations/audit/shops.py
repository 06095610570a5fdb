"""What the suppliers hold: SQL databases are read whole, partners are asked key by key."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from settings import Settings, give_up
from shared import Leg
from suppliers import open_supplier
from suppliers.configured import access_of
from suppliers.exchange import Access, Partner
from suppliers.http import HttpSupplier
from suppliers.sql_books import LedgerEntry, read_books
from suppliers.sql_schema import Stock

AT_ONCE = 20


class CannotAuditError(Exception):
    """Temporal or a supplier cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Held:
    """A current reservation at a leg's supplier."""

    leg: Leg
    key: str
    item: str
    since: datetime
    traveller: str = ""

    @property
    def forgotten(self) -> bool:
        """Whether the traveller was forgotten: no reservation is made without one."""
        return not self.traveller


@dataclass(frozen=True)
class Books:
    """What a supplier holds; `begun` is false if it has no books yet.

    `whole` is false if it was asked only for the trips that Temporal knows.
    """

    leg: Leg
    held: list[Held]
    stock: list[Stock] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    latest: list[LedgerEntry] = field(default_factory=list)
    begun: bool = True
    whole: bool = True


class Shop(Protocol):
    """A supplier, for reading; `blind_spot` describes what the audit cannot see there."""

    leg: Leg
    blind_spot: str

    async def read(self, keys: Iterable[str]) -> Books:
        """Read the books, or, from a partner, only what is held under these keys.

        Raises:
            CannotAuditError: The supplier cannot be reached.
        """


class SqlShop:
    """A supplier with its books in SQL."""

    blind_spot = ""

    def __init__(self, url: str, leg: Leg) -> None:
        self.leg = leg
        self._url = url

    async def read(self, keys: Iterable[str]) -> Books:
        """See `Shop.read`; everything is read, in one snapshot."""
        try:
            books = await asyncio.to_thread(read_books, self._url)
        except (SQLAlchemyError, OSError) as error:
            reason = getattr(error, "orig", None) or error  # the driver's message, without our SQL
            raise CannotAuditError(
                f"The {self.leg} supplier's database cannot be read: {reason}\n"
                f"Check that {self.leg.upper()}_SUPPLIER and DATA_DIR are the worker's."
            ) from error
        if books is None:
            return Books(self.leg, [], begun=False)
        held = [Held(self.leg, row.key, row.item, row.since, row.traveller) for row in books.held]
        return Books(self.leg, held, books.stock, books.unexplained, books.latest)


class Known(BaseModel):
    """What a partner knows of a key."""

    state: str
    item: str
    since: datetime = datetime.min.replace(tzinfo=UTC)
    traveller: str = ""


class PartnerShop:
    """A supplier over HTTP, which is asked key by key."""

    def __init__(self, url: str, leg: Leg, access: Access) -> None:
        self.leg = leg
        self.blind_spot = (
            f"The {leg} supplier is a service over HTTP. It was asked only for trips that Temporal "
            "knows; its stock, its ledger and other reservations were not checked. "
            "Audit those where its database is."
        )
        self._url = url
        self._access = access

    async def read(self, keys: Iterable[str]) -> Books:
        """See `Shop.read`."""
        try:
            held = await asyncio.to_thread(self._read, keys)
        except (RuntimeError, ValidationError) as error:
            raise CannotAuditError(
                f"The {self.leg} supplier does not respond as it should: {error}\n"
                f"Check {self.leg.upper()}_SUPPLIER, and that the service supports GET."
            ) from error
        return Books(self.leg, held, whole=False)

    def _read(self, keys: Iterable[str]) -> list[Held]:
        with (
            closing(Partner(self._url, self.leg, self._access)) as partner,
            ThreadPoolExecutor(AT_ONCE) as threads,
        ):
            return [held for held in threads.map(partial(self._ask, partner), keys) if held]

    def _ask(self, partner: Partner, key: str) -> Held | None:
        answer = partner.ask("GET", key)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"it answered GET with status {answer.status}.")
        known = Known.model_validate_json(answer.body)
        if known.state != "booked":
            return None
        return Held(self.leg, key, known.item, known.since, known.traveller)


def open_shops(settings: Settings) -> list[Shop]:
    """The configured suppliers, which are the worker's; none is contacted yet."""
    shops: list[Shop] = []
    for leg in Leg:
        url, access = settings.supplier_url(leg), access_of(settings, leg)
        plain = settings.plain_http_suppliers
        try:
            supplier = open_supplier(url, leg, plain_http=plain, access=access)
        except ValueError as error:
            give_up(str(error))
        with closing(supplier):
            partner = isinstance(supplier, HttpSupplier)
        shops.append(PartnerShop(url, leg, access) if partner else SqlShop(url, leg))
    return shops
