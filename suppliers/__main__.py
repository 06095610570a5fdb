"""Serve a leg's supplier over HTTP."""

import argparse
import sys

from settings import Settings, give_up, is_loopback
from shared import Leg
from suppliers.configured import sql_supplier_of
from suppliers.service import Server


def main() -> int:
    """Run a command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m suppliers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser(
        "serve",
        help="serve a leg over HTTP",
        description="Serve a leg over HTTP. Whoever reaches the address can book and release, "
        "so expose it only behind a proxy that authenticates clients.",
    )
    serve.add_argument("leg", choices=list(Leg))
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    return serve_leg(Settings.load(), arguments.leg, arguments.host, arguments.port)


def serve_leg(settings: Settings, leg: str, host: str, port: int) -> int:
    """Serve one leg until SIGTERM or Ctrl-C."""
    tokens = settings.accepted_tokens()
    if not (tokens or is_loopback(host)):
        give_up(
            f"--host {host} would let everybody book and release. "
            "Set SUPPLIER_TOKENS, or leave the host at 127.0.0.1."
        )
    sql_supplier_of(settings, leg).close()  # report a wrong setting here, not in a loop of restarts
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    Server(lambda: sql_supplier_of(settings, leg), address, tokens).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
