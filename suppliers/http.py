"""A supplier that is a partner's service: the client's side of the contract over HTTP."""

from http import HTTPStatus
from urllib.parse import quote

import httpx2

from suppliers import Fenced, Invalid, Refused, SoldOut

REFUSALS: dict[int, type[Refused]] = {
    HTTPStatus.CONFLICT: SoldOut,
    HTTPStatus.GONE: Fenced,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
}
"""The answers that are final; any other than success leaves the outcome unknown."""

TIMEOUT = 8.0
MAX_REASON = 200


class HttpSupplier:
    """A `Supplier` behind `PUT` and `DELETE /reservations/<key>`; it retries nothing itself."""

    def __init__(self, url: str, leg: str) -> None:
        self._leg = leg
        self._client = httpx2.Client(base_url=url, timeout=TIMEOUT)

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """See `Supplier.reserve`."""
        response = self._client.put(_path(key), json={"item": item, "traveller": traveller})
        if refusal := REFUSALS.get(response.status_code):
            raise refusal(_reason(response) or self._default_reason(refusal, item))
        self._expect(response, HTTPStatus.OK, HTTPStatus.CREATED)

    def release(self, key: str) -> None:
        """See `Supplier.release`."""
        self._expect(self._client.delete(_path(key)), HTTPStatus.NO_CONTENT)

    def settle(self, key: str, note: str) -> None:
        """See `Supplier.settle`; a service that keeps no notes releases the key all the same."""
        answer = self._client.delete(_path(key), params={"settled": note})
        self._expect(answer, HTTPStatus.NO_CONTENT)

    def close(self) -> None:
        """See `Supplier.close`."""
        self._client.close()

    def _expect(self, response: httpx2.Response, *statuses: int) -> None:
        if response.status_code not in statuses:
            raise RuntimeError(
                f"The {self._leg} supplier answered {response.request.method} with status "
                f"{response.status_code}, which does not say whether it was done."
            )

    def _default_reason(self, refusal: type[Refused], item: str) -> str:
        if refusal is SoldOut:
            return f'{self._leg.capitalize()} "{item}" is sold out.'
        if refusal is Fenced:
            return f"This {self._leg} booking was cancelled before."
        return f"The {self._leg} supplier does not accept this booking."


def _path(key: str) -> str:
    return f"reservations/{quote(key, safe='')}"


def _reason(response: httpx2.Response) -> str:
    """What the problem document says, on one line of limited length; empty if it says nothing."""
    try:
        match response.json():
            case {"detail": str(detail)}:
                return " ".join(detail.split())[:MAX_REASON]
    except (ValueError, RecursionError):
        pass  # a partner's answer may be anything; the status alone decides
    return ""
