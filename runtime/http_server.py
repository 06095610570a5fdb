"""HTTP for a WSGI application, whose threads never wait for a client.

One event loop (uvicorn's) reads requests and writes answers, at whatever pace a client has. A
thread runs the application once a request has come as a whole, and is free again before the
answer is sent. So a client that is slow or silent costs an open file, for a limited time.
"""

import asyncio
import logging
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import h11
import uvicorn
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from uvicorn.protocols.http.h11_impl import H11Protocol
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    HTTPVersionNotSupported,
    RequestHeaderFieldsTooLarge,
    ServiceUnavailable,
)
from werkzeug.wrappers import Response

from runtime import tracing
from runtime.problems import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

BACKLOG = 2048
MAX_HEAD = 16 * 1024
MAX_HEADERS = 100
MAX_BODY = 16 * 1024
"""In bytes; of a larger body the application gets only the length, and refuses it."""

TOO_MANY = "Too many requests are waiting. Try again soon."

REQUEST_SECONDS = 10
"""How long a client may take to send a request, and to read what is left of the last answer."""

HOLD_BACK = "http_server.hold_back"
"""In `environ`: a function that holds the answer back for some seconds, without a thread."""

SENDING_SECONDS = 60
"""How long an answer may take beyond the longest wait of the application."""


class Connection(H11Protocol):
    """One client. Uvicorn limits how long it may be idle; this limits all else that it does."""

    deadline: asyncio.TimerHandle | None = None

    @property
    def answering(self) -> bool:
        """Whether a whole request has come, and its answer has not been sent."""
        return bool(self.cycle) and not (self.cycle.more_body or self.cycle.response_complete)

    def end_in(self, seconds: float) -> None:
        """End the connection then, whatever it is doing, unless it gets on before."""
        if self.deadline:
            self.deadline.cancel()
        self.deadline = self.loop.call_later(seconds, self.transport.abort)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for a request."""
        super().connection_made(transport)
        self.end_in(REQUEST_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Read on; what comes before the last answer is sent is never taken for a request."""
        if not self.answering:
            super().data_received(data)
            if not self.answering:
                return
            self.end_in((self.config.timeout_graceful_shutdown or 0) + SENDING_SECONDS)
            data, _ = self.conn.trailing_data
        if data:
            self.cycle.keep_alive = False

    def eof_received(self) -> bool:  # type: ignore[override]
        """Let a client that says that it will send no more still read its answer."""
        if self.answering:
            self.cycle.keep_alive = False
        return self.answering

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, unless it is the rest of a body that was refused before."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            response = problem(BadRequest("This is not HTTP/1.1, or its head is too large."))
            head = h11.Response(
                status_code=400,
                headers=[*response.headers, ("Connection", "close")],
                reason=b"Bad Request",
            )
            for event in (head, h11.Data(data=response.data), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one."""
        self.end_in(REQUEST_SECONDS)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self.deadline:
            self.deadline.cancel()
        super().connection_lost(exc)


class Requests:
    """An ASGI application: it runs a WSGI application in threads, on whole requests.

    As many requests as there are threads wait for one; beyond that they are refused, as a queue
    without an end would keep each of them waiting for minutes. `answered` is called with the
    status of each answer.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        threads: int,
        answered: Callable[[int], None] | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self.app = app
        self.max_body = max_body
        self.answered = answered
        self.threads = ThreadPoolExecutor(threads, "request")
        self._running, self._most = 0, 2 * threads

    async def __call__(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer one request; none if the client leaves before it has sent it."""
        try:
            environ = environ_of(scope)
            body = await read_body(int(environ["CONTENT_LENGTH"]), receive, self.max_body)
            if self._running >= self._most:
                log.warning("%s refused: 503, too many requests wait", environ["REQUEST_METHOD"])
                raise ServiceUnavailable(TOO_MANY, retry_after=1)
        except HTTPException as error:
            response = problem(error)
        except EOFError:
            return
        else:
            environ["CONTENT_LENGTH"] = str(max(len(body), int(environ["CONTENT_LENGTH"])))
            environ["wsgi.input"] = BytesIO(body)
            held_back: list[float] = []
            environ[HOLD_BACK] = held_back.append
            loop = asyncio.get_running_loop()
            self._running += 1
            try:
                response = await loop.run_in_executor(self.threads, self.run, environ)
            finally:
                self._running -= 1
            await asyncio.sleep(sum(held_back))
        if self.answered:
            self.answered(response.status_code)
        if response.status_code == 400:  # do not guess where the next request begins
            response.headers["Connection"] = "close"
        # ASGI wants names in lower case; this server sends them as they are, and people read them.
        headers = [(name.encode(), text.encode("latin-1")) for name, text in response.headers]
        await send(
            {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": headers,
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": response.data, "more_body": False})

    def run(self, environ: "WSGIEnvironment") -> Response:
        """Run the application, to the end of its answer."""
        return Response.from_app(self.app, environ, buffered=True)


def environ_of(scope: HTTPScope) -> "WSGIEnvironment":
    """A request's head as WSGI has it.

    Raises:
        HTTPException: It is too large, or can be read in two ways.
    """
    if scope["http_version"] not in {"1.0", "1.1"}:
        raise HTTPVersionNotSupported
    if not (scope["method"].isupper() and scope["raw_path"].startswith(b"/")):
        raise BadRequest  # Werkzeug takes "post" for "POST"; a path that is an URL is for a proxy
    sent = list(scope["headers"])
    size = sum(len(name) + len(text) for name, text in sent)
    if len(sent) > MAX_HEADERS or size > MAX_HEAD:
        raise RequestHeaderFieldsTooLarge
    headers: dict[str, str] = {}
    for name, text in sent:
        if b"_" not in name:  # WSGI would take it for the same name with a dash
            key = "HTTP_" + name.decode().upper().replace("-", "_")
            before = f"{headers[key]}," if key in headers else ""
            headers[key] = before + text.decode("latin-1")
    length = headers.pop("HTTP_CONTENT_LENGTH", "")
    if headers.pop("HTTP_TRANSFER_ENCODING", "") and length:
        raise BadRequest("The length of the body is given in two ways.")
    host, port = scope["server"] or ("", 0)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": length or "0",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


async def read_body(length: int, receive: ASGIReceiveCallable, most: int) -> bytes:
    """A request's body; of one that is larger than the limit, only enough to see that it is.

    Raises:
        EOFError: The client left before all of it had come.
    """
    body, more = b"", length <= most
    while more and len(body) <= most:
        message = await receive()
        if message["type"] != "http.request":
            raise EOFError
        body, more = body + message["body"], message["more_body"]
    return body


def listen(host: str, port: int) -> socket.socket:
    """Take an address, before anything is started that would have to be stopped again.

    Raises:
        OSError: It cannot be had.
    """
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # The head and the body of an answer are two writes, of which the second would wait 40 ms for a
    # client's acknowledgement; asyncio sees to that only for sockets that it makes itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(
    app: "WSGIApplication",
    listener: socket.socket,
    *,
    threads: int,
    longest_wait: float,
    tls: ssl.SSLContext | None = None,
    answered: Callable[[int], None] | None = None,
    max_body: int = MAX_BODY,
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that have come are answered first."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)  # a connection is an open file
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    config = uvicorn.Config(
        Requests(tracing.traced(app), threads, answered, max_body),
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        proxy_headers=False,  # no header of a client says who or where it is
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="error",  # else each bad request is a line
        ssl_context_factory=(lambda *_: tls) if tls else None,
        backlog=BACKLOG,
        h11_max_incomplete_event_size=MAX_HEAD,
        timeout_graceful_shutdown=int(longest_wait) + 5,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again at the end
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run([listener])
