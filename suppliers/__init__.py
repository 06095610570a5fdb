"""The suppliers of a trip: each leg is reserved and released at its own supplier.

The saga relies on one promise of a supplier: once `release(key)` has returned, nothing is held
under that key, and nothing ever will be.
"""

from typing import Protocol
from urllib.parse import urlsplit

from settings import is_loopback


class Refused(Exception):
    """The supplier refuses for good; the text is the reason, for the traveller."""


class SoldOut(Refused):
    """No unit of the item is left."""


class Fenced(Refused):
    """The key was released before, so nothing can be reserved under it any more."""


class Invalid(Refused):
    """The request itself is invalid, and would never succeed."""


class Supplier(Protocol):
    """Reserves and releases one leg of a trip; safe to use from many threads.

    An exception that is not `Refused` means that the outcome is unknown: retry with the same key.
    """

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """Hold one unit of the item under the key; the same key again takes no second unit.

        Raises:
            Refused: Nothing was taken, and a retry would not help.
        """

    def release(self, key: str) -> None:
        """Give back what is held under the key, once, and refuse the key from now on.

        It is not an error if nothing is held, or ever was.
        """

    def settle(self, key: str, note: str) -> None:
        """Release the key, and record the note of the operator who settled it by other means."""

    def close(self) -> None:
        """Close all connections."""


def open_supplier(
    url: str, leg: str, *, plain_http: bool = False, token: str = "", connections: int = 24
) -> Supplier:
    """The supplier at a URL; it connects on first use.

    Args:
        url: `sqlite:///…`, `postgresql://…` or `https://…`.
        leg: What it supplies: `car`, `hotel` or `flight`.
        plain_http: Allow `http://…` to other machines; to this one it is always allowed.
        token: What a service over HTTP knows us by.
        connections: How many connections to a database it opens at most.

    Raises:
        ValueError: The URL is not a supplier's; the message says what to set.
    """
    variable = f"{leg.upper()}_SUPPLIER"
    scheme, host = _scheme_and_host(url)
    if scheme == "http" and host and not (plain_http or is_loopback(host)):
        raise ValueError(
            f"{variable} would send travellers' names to {host} unencrypted. Use https://, "
            "or set PLAIN_HTTP_SUPPLIERS=true if you trust the network."
        )
    # Import only the adapter that is needed; also, the adapters import this module.
    try:
        if scheme in {"http", "https"} and host:
            from suppliers.http import HttpSupplier

            return HttpSupplier(url, leg, token)
        if scheme in {"sqlite", "postgresql", "postgres"}:
            from suppliers.sql import SqlSupplier

            return SqlSupplier(url, leg, connections)
    except ValueError:
        pass  # its text may quote part of the URL, including a password
    raise ValueError(
        f"{variable} must be sqlite:///<file>, postgresql://<user>@<host>/<database> "
        "or https://<host>. Without it, a SQLite file in DATA_DIR is used."
    )


def _scheme_and_host(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is validated only when it is read
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""
