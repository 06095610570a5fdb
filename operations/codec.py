"""`python -m operations codec`: decrypt what staff read in Temporal's Web UI and CLI.

It speaks Temporal's protocol for codec servers. Whoever may use it can read every trip, so clients'
tokens are not valid here.
"""

import argparse
import asyncio
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, request
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from temporalio.api.common.v1 import Payload, Payloads
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, Unauthorized
from werkzeug.exceptions import UnprocessableEntity as Unprocessable
from werkzeug.wrappers import Response as BaseResponse

from bookings.codec import Codec, MissingKey, codec_of
from operations.subcommands import Subcommands
from runtime import http_server
from runtime.guesses import Guesses
from runtime.http_server import HOLD_BACK
from runtime.logs import log_to_stderr
from runtime.problems import problem
from runtime.tokens import Tokens
from settings import Settings, give_up, is_loopback

log = logging.getLogger(__name__)

THREADS = 4
MAX_BODY = 8 * 1024 * 1024
"""In bytes: the Web UI sends the payloads of many events at once."""

Known = Callable[[str], str]


def add_to(commands: Subcommands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "codec",
        help="serve the codec for Temporal's Web UI and CLI",
        description="Decrypt for staff what Temporal's Web UI and CLI show. Needs ENCRYPTION_KEYS "
        "and SEARCH_KEY, and CODEC_TOKENS unless the host is loopback. Only pages of "
        "TEMPORAL_UI_URL may use it.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8081, help="default: %(default)s")
    parser.set_defaults(run=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Serve the codec until SIGTERM or Ctrl-C."""
    log_to_stderr(settings.log_format)
    host, port = arguments.host, arguments.port
    codec = codec_of(settings)
    if codec is None:
        give_up("There is nothing to decrypt with. Set ENCRYPTION_KEYS.")
    try:
        tokens = Tokens(settings, "codec_tokens")
    except ValueError as error:
        give_up(str(error))
    if not (tokens.clients or is_loopback(host)):
        give_up(
            f"--host {host} would let everybody decrypt. "
            "Set CODEC_TOKENS, or leave the host at 127.0.0.1."
        )
    if not is_loopback(host):
        log.warning("Tokens and trips are sent in clear text, unless a proxy in front speaks TLS.")
    try:
        listener = http_server.listen(host, port)
    except OSError as error:
        give_up(f"{host}:{port} cannot be served ({error}). Choose another --port.")
    app = create_codec(codec, tokens.client_of if tokens.clients else None, settings.ui_url)
    print(f"The codec for {settings.ui_url} is at http://{host}:{port}.", flush=True)
    http_server.serve(app, listener, threads=THREADS, longest_wait=0, max_body=MAX_BODY)
    return 0


def create_codec(codec: Codec, known: Known | None, ui_url: str) -> Flask:
    """The WSGI application.

    Args:
        codec: What encrypts and decrypts.
        known: Whose a token is, if tokens are needed; empty if it is nobody's.
        ui_url: Temporal's Web UI, whose pages alone may use it in a browser.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    guesses = Guesses()
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(ui_url))

    @app.before_request
    def check() -> Response | None:
        # A page can make its own name lead here, but a browser names its origin in every POST.
        if request.headers.get("Origin", origin) != origin:
            raise Forbidden(f"Only pages of {origin} may use this. Set TEMPORAL_UI_URL.")
        if request.method == "OPTIONS":
            return Response(status=204)
        sent = request.authorization
        token = {"bearer": sent.token, "basic": sent.password}.get(sent.type) if sent else None
        if known and not (token and known(token)):
            if token:
                request.environ[HOLD_BACK](guesses.delay(request.remote_addr or ""))
            raise Unauthorized("Send one of CODEC_TOKENS, as Bearer or as Basic's password.")
        return None

    @app.get("/")
    def signed_in() -> str:
        """What staff open once, so that the browser asks for the token."""
        return f"You are signed in. Go to {ui_url}."

    @app.post("/decode")
    def decode() -> dict[str, object]:
        return answer(asyncio.run(codec.decode(sent_payloads())))

    @app.post("/encode")
    def encode() -> dict[str, object]:
        return answer(asyncio.run(codec.encode(sent_payloads())))

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = "authorization,content-type,x-namespace"
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Vary"] = "Origin"
        response.headers["Cache-Control"] = "no-store"
        if response.status_code == Unauthorized.code:
            response.headers["WWW-Authenticate"] = 'Basic realm="codec", charset="UTF-8"'
        return response

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> BaseResponse:
        return problem(error)

    @app.errorhandler(MissingKey)
    def cannot(error: MissingKey) -> BaseResponse:
        return problem(Unprocessable(str(error)))

    return app


def sent_payloads() -> list[Payload]:
    """The request's payloads.

    Raises:
        BadRequest: It has none.
    """
    try:
        return list(ParseDict(request.get_json(), Payloads()).payloads)
    except ParseError:
        raise BadRequest("The body must be Temporal's Payloads, as JSON.") from None


def answer(payloads: list[Payload]) -> dict[str, object]:
    """Payloads as JSON."""
    return MessageToDict(Payloads(payloads=payloads))
