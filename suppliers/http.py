"""A supplier that is a partner's service: the client's side of the contract over HTTP."""

import logging
from http import HTTPStatus

from runtime.texts import cleaned
from suppliers import CannotForget, Fenced, Invalid, Refused, SoldOut, Unavailable
from suppliers.exchange import Access, Answer, Partner

REFUSALS: dict[int, type[Refused]] = {
    HTTPStatus.CONFLICT: SoldOut,
    HTTPStatus.GONE: Fenced,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
}
"""The answers that are final; any other than success leaves the outcome unknown."""

SUCCESSES = {HTTPStatus.OK, HTTPStatus.CREATED}
FORGOTTEN = {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
CANNOT_FORGET = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
UNIDENTIFIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

MAX_NOTE = 2000

log = logging.getLogger(__name__)


class HttpSupplier:
    """A `Supplier` behind `PUT` and `DELETE /reservations/<key>`; it retries nothing itself."""

    def __init__(self, url: str, leg: str, access: Access | None = None) -> None:
        self._leg = leg
        self._partner = Partner(url, leg, access or Access())
        self._unidentified = False

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """See `Supplier.reserve`; a success that does not name the key is none."""
        answer = self._ask("PUT", key, {"item": item, "traveller": traveller})
        if refusal := REFUSALS.get(answer.status):
            raise refusal(cleaned(answer.field("detail")) or self._default_reason(refusal, item))
        if answer.status not in SUCCESSES or answer.field("key") != key:
            raise self._unknown("PUT", answer.status)

    def release(self, key: str) -> bool:
        """See `Supplier.release`; a service that does not return what was held cannot tell."""
        return self._delete(key)

    def settle(self, key: str, note: str) -> None:
        """See `Supplier.settle`; a service that keeps no notes still releases the key."""
        self._delete(key, {"settled": note[:MAX_NOTE]})

    def forget(self, key: str) -> None:
        """See `Supplier.forget`."""
        status = self._ask("PATCH", key, {"traveller": ""}).status
        if status in CANNOT_FORGET:
            raise CannotForget
        if status not in FORGOTTEN:
            raise self._unknown("PATCH", status)

    def close(self) -> None:
        """See `Supplier.close`."""
        self._partner.close()

    def _delete(self, key: str, body: dict[str, str] | None = None) -> bool:
        answer = self._ask("DELETE", key, body)
        if answer.status == HTTPStatus.OK and answer.field("key") == key:
            return answer.field("item") != ""
        if answer.status != HTTPStatus.NO_CONTENT:
            raise self._unknown("DELETE", answer.status)
        return False

    def _ask(self, method: str, key: str, body: dict[str, str] | None) -> Answer:
        answer = self._partner.ask(method, key, body)
        unidentified = answer.status in UNIDENTIFIED
        if unidentified and not self._unidentified:  # once, and not at every retry
            log.error(
                "The %s supplier does not accept our credentials (status %d). Nothing is booked or "
                "undone there until %s_SUPPLIER_TOKEN or the client certificate is right.",
                self._leg,
                answer.status,
                self._leg.upper(),
            )
        self._unidentified = unidentified
        return answer

    def _unknown(self, method: str, status: int) -> RuntimeError:
        overloaded = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        kind = Unavailable if overloaded or status == HTTPStatus.TOO_MANY_REQUESTS else RuntimeError
        return kind(
            f"The {self._leg} supplier answered {method} with status {status}, "
            "which does not say whether it was done."
        )

    def _default_reason(self, refusal: type[Refused], item: str) -> str:
        if refusal is SoldOut:
            return f'{self._leg.capitalize()} "{item}" is sold out.'
        if refusal is Fenced:
            return f"This {self._leg} booking was cancelled before."
        return f"The {self._leg} supplier does not accept this booking."
