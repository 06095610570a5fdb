"""One exchange with a partner over HTTP: bounded in time and in size, whatever the partner does."""

import asyncio
import concurrent.futures
import json
import logging
import ssl
import threading
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2

from runtime import tracing
from suppliers import Unavailable

DEADLINE = 8.0
"""Seconds for an exchange, from the name's lookup to the last byte; less than an attempt has."""

MAX_BODY = 64 * 1024

# Its lines hold whole addresses, and so may hold a password.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Access(NamedTuple):
    """What a partner knows us by and we know it by, and how long we wait for it."""

    token: str = ""
    tls: ssl.SSLContext | None = None  # None: verified with the certificates of the system
    deadline: float = DEADLINE


class Answer(NamedTuple):
    """A partner's response; the body is empty if it could not be read."""

    status: int
    body: bytes = b""

    def field(self, name: str) -> str:
        """A text in the JSON object that the body should be; empty if it is not there."""
        try:
            match json.loads(self.body):
                case {**fields} if isinstance(fields.get(name), str):
                    return str(fields[name])
        except (ValueError, RecursionError):
            pass  # a partner's answer may be anything
        return ""


class Partner:
    """A partner's reservations, for threads that may block.

    The exchanges run on an event loop, because only there can a deadline end one at any point: a
    blocking client waits anew for each byte, so a partner that drips would hold its thread for
    ever.
    """

    def __init__(self, url: str, leg: str, access: Access) -> None:
        self._leg = leg
        self._deadline = access.deadline
        headers = {"Accept-Encoding": "identity", "Prefer": "return=representation"}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        # httpcore2 leaks the socket of a TLS handshake that is cancelled, so one that hangs has to
        # end before the deadline: this limits connecting, and then the handshake.
        limits = httpx2.Timeout(None, connect=0.45 * access.deadline)
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers=headers,
            verify=access.tls or True,
            timeout=limits,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none are kept
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=leg, daemon=True)
        self._thread.start()

    def ask(self, method: str, key: str, body: dict[str, str] | None = None) -> Answer:
        """Send a request about a key.

        Raises:
            Unavailable: There was no complete answer in time.
        """
        exchange = self._exchange(method, f"reservations/{quote(key, safe='')}", body)
        try:
            return asyncio.run_coroutine_threadsafe(exchange, self._loop).result()
        except concurrent.futures.CancelledError:
            raise Unavailable(f"The {self._leg} supplier's connections were closed.") from None

    def close(self) -> None:
        """End the exchanges that run, and close all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _exchange(self, method: str, path: str, body: Any) -> Answer:
        with tracing.call(f"{method} {self._leg} supplier") as note:
            answer = await self._answer(method, path, body)
            note("http.response.status_code", answer.status)
        return answer

    async def _answer(self, method: str, path: str, body: Any) -> Answer:
        status, read, headers = 0, b"", tracing.headers()
        try:
            async with (
                asyncio.timeout(self._deadline),
                self._client.stream(method, path, json=body, headers=headers) as response,
            ):
                status = response.status_code
                async for part in response.aiter_raw():
                    read += part
                    if len(read) > MAX_BODY:  # leaving the block closes the connection
                        return Answer(status)
        except (OSError, httpx2.TransportError) as error:
            if status < HTTPStatus.BAD_REQUEST:  # an error is one whatever its body says
                raise Unavailable(
                    f"The {self._leg} supplier did not answer {method}: {type(error).__name__}."
                ) from error
            return Answer(status)
        return Answer(status, read)

    async def _end(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._client.aclose()
