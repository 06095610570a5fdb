"""The suppliers of a trip: each leg is reserved at, and released by, a supplier of its own.

A supplier keeps one promise that the saga rests on: after `release(key)` has returned, nothing is
held under that key, and nothing ever will be.
"""

from typing import Protocol
from urllib.parse import urlsplit

from settings import is_loopback


class Refused(Exception):
    """The supplier says no, for good; the text is the reason, in words for the traveller."""


class SoldOut(Refused):
    """No unit of the item is left."""


class Fenced(Refused):
    """The key was released before, so that nothing can be reserved under it any more."""


class Invalid(Refused):
    """The request can never be carried out as it stands."""


class Supplier(Protocol):
    """Where one leg of a trip is reserved and released; safe to use from many threads.

    An exception that is not `Refused` means that the outcome is unknown: try again, with the
    same key.
    """

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """Hold one unit of the item under the key; the same key again takes no second unit.

        Raises:
            Refused: Nothing was taken, and trying again would not help.
        """

    def release(self, key: str) -> None:
        """Give back what is held under the key, once, and refuse the key from now on.

        It is not an error if nothing is held, or if nothing ever was.
        """

    def settle(self, key: str, note: str) -> None:
        """Release the key, and keep the note of the operator who settled it by other means."""

    def close(self) -> None:
        """Let go of all connections."""


def open_supplier(
    url: str, leg: str, *, plain_http: bool = False, connections: int = 24
) -> Supplier:
    """The supplier that a URL names; nothing connects before it is used.

    Args:
        url: `sqlite:///…`, `postgresql://…` or `https://…`.
        leg: What it supplies: `car`, `hotel` or `flight`.
        plain_http: Allow `http://…` to other machines too; to this one it always is.
        connections: How many a database gets at most.

    Raises:
        ValueError: The URL names no supplier; the message says what to set.
    """
    variable = f"{leg.upper()}_SUPPLIER"
    scheme, host = _scheme_and_host(url)
    if scheme == "http" and host and not (plain_http or is_loopback(host)):
        raise ValueError(
            f"{variable} would send travellers' names to {host} unencrypted. Use https://, "
            "or set PLAIN_HTTP_SUPPLIERS=true if that network can be trusted."
        )
    # Only the adapter that is asked for is loaded; and the adapters import this module.
    try:
        if scheme in {"http", "https"} and host:
            from suppliers.http import HttpSupplier

            return HttpSupplier(url, leg)
        if scheme in {"sqlite", "postgresql", "postgres"}:
            from suppliers.sql import SqlSupplier

            return SqlSupplier(url, leg, connections)
    except ValueError:
        pass  # its text may quote a part of the URL, and so a password
    raise ValueError(
        f"{variable} must be sqlite:///<file>, postgresql://<user>@<host>/<database> "
        "or https://<host>. Without it, a SQLite file in DATA_DIR is used."
    )


def _scheme_and_host(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is only checked when it is read
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""
