"""The suppliers of a trip: each leg is reserved and released at its own supplier.

The saga relies on one promise of a supplier: once `release(key)` has returned, nothing is held
under that key, and nothing ever will be.
"""

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from settings import is_loopback

if TYPE_CHECKING:
    from suppliers.exchange import Access


class Refused(Exception):
    """The supplier refuses for good; the text is the reason, for the traveller."""


class SoldOut(Refused):
    """No unit of the item is left."""


class Fenced(Refused):
    """The key was released before, so nothing can be reserved under it any more."""


class Invalid(Refused):
    """The request itself is invalid, and would never succeed."""


class Unavailable(RuntimeError):
    """The supplier did not answer, or said that it cannot at the moment; the outcome is unknown."""


class Busy(Exception):
    """Nothing was tried, as the supplier has not answered for a while, or not about this item.

    The text is for people.
    """


class CannotForget(Exception):
    """The supplier cannot remove a name by itself; somebody has to ask it by other means."""


class Supplier(Protocol):
    """Reserves and releases one leg of a trip; safe to use from many threads.

    An exception that is not `Refused` means that the outcome is unknown: retry with the same key.
    """

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """Hold one unit of the item under the key; the same key again takes no second unit.

        Raises:
            Refused: Nothing was taken, and a retry would not help.
        """

    def release(self, key: str) -> bool:
        """Give back what is held under the key, once, and refuse the key from now on.

        Returns:
            Whether anything was ever held under it, however often this is asked; false also if the
            supplier cannot tell.
        """

    def settle(self, key: str, note: str) -> None:
        """Release the key, and record the note of the operator who settled it by other means."""

    def forget(self, key: str) -> None:
        """Remove the traveller's name from the key; what is held stays held.

        It is not an error if nothing is known of the key.

        Raises:
            CannotForget: The supplier has no way to.
        """

    def close(self) -> None:
        """Close all connections."""


def open_supplier(
    url: str,
    leg: str,
    *,
    plain_http: bool = False,
    access: "Access | None" = None,
    connections: int = 24,
) -> Supplier:
    """The supplier at a URL; it connects on first use.

    Args:
        url: `sqlite:///…`, `postgresql://…` or `https://…`.
        leg: What it supplies: `car`, `hotel` or `flight`.
        plain_http: Allow `http://…` to other machines; to this one it is always allowed.
        access: What a service over HTTP knows us by.
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
    if access and access.token and host and "@" in urlsplit(url).netloc:
        raise ValueError(f"Set a password in {variable} or {variable}_TOKEN, not both.")
    # Import only the adapter that is needed; also, the adapters import this module.
    try:
        if scheme in {"http", "https"} and host:
            from suppliers.http import HttpSupplier

            return HttpSupplier(url, leg, access)
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
