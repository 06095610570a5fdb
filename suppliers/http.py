"""A supplier that is a partner's service: the client's side of the contract over HTTP."""

import asyncio
import json
import logging
import threading
import unicodedata
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2

from suppliers import Fenced, Invalid, Refused, SoldOut

REFUSALS: dict[int, type[Refused]] = {
    HTTPStatus.CONFLICT: SoldOut,
    HTTPStatus.GONE: Fenced,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
}
"""The answers that are final; any other than success leaves the outcome unknown."""

DEADLINE = 8.0
"""Seconds for an exchange, from the connection to the last byte; below the time of an attempt."""

MAX_ANSWER = 64 * 1024
MAX_REASON = 200

# Its lines hold whole addresses, and so may hold a password.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Answer(NamedTuple):
    """What a partner has answered."""

    status: int
    body: bytes

    def field(self, name: str) -> str:
        """A text in the JSON object that the body should be; empty if it is not there."""
        try:
            match json.loads(self.body):
                case {**fields} if isinstance(fields.get(name), str):
                    return str(fields[name])
        except (ValueError, RecursionError):
            pass  # a partner's answer may be anything
        return ""


class HttpSupplier:
    """A `Supplier` behind `PUT` and `DELETE /reservations/<key>`; it retries nothing itself.

    The exchanges run on an event loop, because there a deadline ends one wherever it is: a
    client that blocks waits for each next byte, and a partner that drips holds its thread for ever.
    """

    def __init__(self, url: str, leg: str, token: str = "", deadline: float = DEADLINE) -> None:
        self._leg = leg
        self._deadline = deadline
        self._client = httpx2.AsyncClient(
            base_url=url,
            timeout=deadline,
            headers={"Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=leg, daemon=True)
        self._thread.start()

    def reserve(self, key: str, item: str, traveller: str) -> None:
        """See `Supplier.reserve`; a success that does not name the key is none."""
        answer = self._ask("PUT", key, {"item": item, "traveller": traveller})
        if refusal := REFUSALS.get(answer.status):
            raise refusal(cleaned(answer.field("detail")) or self._default_reason(refusal, item))
        done = answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}
        self._expect("PUT", answer, done and answer.field("key") == key)

    def release(self, key: str) -> None:
        """See `Supplier.release`."""
        answer = self._ask("DELETE", key)
        self._expect("DELETE", answer, answer.status == HTTPStatus.NO_CONTENT)

    def settle(self, key: str, note: str) -> None:
        """See `Supplier.settle`; a service that keeps no notes still releases the key."""
        answer = self._ask("DELETE", key, {"settled": note})
        self._expect("DELETE", answer, answer.status == HTTPStatus.NO_CONTENT)

    def close(self) -> None:
        """See `Supplier.close`."""
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _ask(self, method: str, key: str, body: dict[str, str] | None = None) -> Answer:
        exchange = self._exchange(method, f"reservations/{quote(key, safe='')}", body)
        return asyncio.run_coroutine_threadsafe(exchange, self._loop).result()

    async def _exchange(self, method: str, path: str, body: Any) -> Answer:
        async with (
            asyncio.timeout(self._deadline),
            self._client.stream(method, path, json=body) as response,
        ):
            read = b""
            async for part in response.aiter_raw():
                read += part
                if len(read) > MAX_ANSWER:  # it is not the contract's: only the status counts
                    return Answer(response.status_code, b"")
            return Answer(response.status_code, read)

    def _expect(self, method: str, answer: Answer, done: bool) -> None:
        if not done:
            raise RuntimeError(
                f"The {self._leg} supplier answered {method} with status {answer.status}, "
                "which does not say whether it was done."
            )

    def _default_reason(self, refusal: type[Refused], item: str) -> str:
        if refusal is SoldOut:
            return f'{self._leg.capitalize()} "{item}" is sold out.'
        if refusal is Fenced:
            return f"This {self._leg} booking was cancelled before."
        return f"The {self._leg} supplier does not accept this booking."


def cleaned(text: str) -> str:
    """A partner's words on one short line: no controls, no bidi overrides, no half characters."""
    lines = "".join(" " if char.isspace() else char for char in text)
    visible = "".join(char for char in lines if not unicodedata.category(char).startswith("C"))
    return " ".join(visible.split())[:MAX_REASON]
