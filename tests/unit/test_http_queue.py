"""The queue for the threads of an application has an end."""

import asyncio
from collections.abc import Iterable
from threading import Event
from typing import TYPE_CHECKING, Any

from runtime.http_server import Requests

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

GET: Any = {
    "http_version": "1.1",
    "method": "GET",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"host", b"a")],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 1),
    "scheme": "http",
}


async def test_as_many_requests_wait_as_there_are_threads_and_others_are_refused() -> None:
    answer_now = Event()

    def app(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        assert answer_now.wait(60)
        start_response("200 OK", [])
        return [b""]

    requests = Requests(app, threads=2)

    async def get() -> Any:
        heads = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            heads.append(message)

        await requests(GET, receive, send)
        return heads[0]

    accepted = [asyncio.create_task(get()) for _ in range(4)]
    await asyncio.sleep(0)
    refused = await get()
    assert refused["status"] == 503
    assert {(b"Retry-After", b"1"), (b"Content-Type", b"application/problem+json")} <= set(
        refused["headers"]
    )
    answer_now.set()
    assert [head["status"] for head in await asyncio.gather(*accepted)] == [200] * 4
    assert (await get())["status"] == 200
