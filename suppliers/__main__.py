"""Serve a leg's supplier over HTTP."""

import argparse
import logging
import os
import ssl
import sys
from contextlib import closing

from runtime import http_server, tracing
from runtime.logs import log_to_stderr
from runtime.tokens import Tokens
from settings import Settings, give_up, is_loopback
from shared import Leg
from suppliers.configured import sql_supplier_of
from suppliers.service import create_service

THREADS = 16
LONGEST_WAIT = 30
"""In seconds; a database may keep a request waiting."""

log = logging.getLogger(__name__)


def main() -> int:
    """Run a command, and return its exit status."""
    os.umask(0o077)  # a file that it creates holds travellers' names
    parser = argparse.ArgumentParser(prog="python -m suppliers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser(
        "serve",
        help="serve a leg over HTTP",
        description="Serve a leg over HTTP. Clients need one of SUPPLIER_TOKENS; without any, "
        "whoever reaches the address can book and release.",
    )
    serve.add_argument("leg", choices=list(Leg))
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=int, required=True)
    serve.add_argument("--certfile", help="serve TLS with this certificate")
    serve.add_argument("--keyfile", help="the certificate's key, unless --certfile holds it")
    serve.add_argument("--client-ca", help="require a client certificate that this CA has issued")
    arguments = parser.parse_args()
    if not arguments.certfile and (arguments.keyfile or arguments.client_ca):
        parser.error("--keyfile and --client-ca need --certfile")
    return serve_leg(Settings.load(), arguments)


def serve_leg(settings: Settings, arguments: argparse.Namespace) -> int:
    """Serve one leg until SIGTERM or Ctrl-C."""
    log_to_stderr(settings.log_format)
    leg, host = arguments.leg, arguments.host
    tracing.begin(settings, f"trips-{leg}-supplier")
    try:
        tokens = Tokens(settings, "supplier_tokens")
    except ValueError as error:
        give_up(str(error))
    if not (tokens.clients or is_loopback(host)):
        give_up(
            f"--host {host} would let everybody book and release. "
            "Set SUPPLIER_TOKENS, or leave the host at 127.0.0.1."
        )
    if not (arguments.certfile or is_loopback(host)):
        print("Without --certfile, tokens and names are sent in clear text.", file=sys.stderr)
    with closing(sql_supplier_of(settings, leg)) as supplier:
        try:
            listener = http_server.listen(host, arguments.port)
        except OSError as error:
            give_up(f"{host}:{arguments.port} cannot be served ({error}).")
        log.info("The %s supplier serves %s:%d.", leg, host, arguments.port)
        http_server.serve(
            create_service(supplier, tokens.client_of if tokens.clients else None),
            listener,
            threads=THREADS,
            longest_wait=LONGEST_WAIT,
            tls=tls(arguments),
        )
    return 0


def tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """How the service identifies itself and its clients; files that cannot be used end it."""
    if not arguments.certfile:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=arguments.client_ca)
        context.load_cert_chain(arguments.certfile, arguments.keyfile, password="")
    except OSError as error:
        give_up(f"--certfile, --keyfile or --client-ca cannot be used: {error}.")
    if arguments.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


if __name__ == "__main__":
    sys.exit(main())
