"""The suppliers' command line: serve a leg over HTTP."""

import argparse
import sys

from settings import Settings
from shared import Leg
from suppliers.configured import sql_supplier_of
from suppliers.service import Server


def main() -> int:
    """Run one command; the result is the exit status."""
    parser = argparse.ArgumentParser(prog="python -m suppliers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser(
        "serve",
        help="serve a leg over HTTP",
        description="Serve a leg over HTTP. Whoever reaches the address can book and release, "
        "so open it to others only behind a proxy that knows who may.",
    )
    serve.add_argument("leg", choices=list(Leg))
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    return serve_leg(Settings.load(), arguments.leg, arguments.host, arguments.port)


def serve_leg(settings: Settings, leg: str, host: str, port: int) -> int:
    """Serve one leg until the process is told to end."""
    sql_supplier_of(settings, leg).close()  # a wrong setting ends it here, not in a loop
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    Server(lambda: sql_supplier_of(settings, leg), address).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
