"""The suppliers' command line: see and set the stock, see what is held, serve a leg over HTTP."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing

from sqlalchemy.exc import SQLAlchemyError

from settings import Settings, give_up
from suppliers import Refused, open_supplier
from suppliers.service import Server
from suppliers.sql import SqlSupplier

LEGS = ("car", "hotel", "flight")
UNLIMITED = "unlimited"


def main() -> int:
    """Run one command; the result is the exit status."""
    arguments = _parser().parse_args()
    try:
        status: int = arguments.run(Settings.load(), arguments)
        return status
    except Refused as error:
        print(error, file=sys.stderr)
    except (SQLAlchemyError, OSError) as error:
        reason = getattr(error, "orig", None) or error  # the driver's words, without our SQL
        print(f"A supplier's database cannot be used: {reason}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suppliers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    stock = commands.add_parser("stock", help="see or set how much of each item there is")
    stock.set_defaults(run=show_stock, leg=None)
    actions = stock.add_subparsers(metavar="command")
    show = actions.add_parser("show", help="print the stock, and whether it agrees with the books")
    show.add_argument("leg", nargs="?", choices=LEGS, help="default: all of them")
    change = actions.add_parser("set", help="say how much of an item there is")
    change.add_argument("leg", choices=LEGS)
    change.add_argument("item")
    change.add_argument("capacity", type=_capacity, help=f"a number, or {UNLIMITED}")
    change.set_defaults(run=set_stock)

    held = commands.add_parser("held", help="print what is booked now")
    held.add_argument("leg", nargs="?", choices=LEGS, help="default: all of them")
    held.set_defaults(run=show_held)

    serve = commands.add_parser(
        "serve",
        help="serve a leg over HTTP",
        description="Serve a leg over HTTP. Whoever reaches the address can book and release, "
        "so open it to others only behind a proxy that knows who may.",
    )
    serve.add_argument("leg", choices=LEGS)
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=int, required=True)
    serve.set_defaults(run=serve_leg)
    return parser


def _capacity(text: str) -> int | None:
    if text == UNLIMITED:
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"it must be a number, or {UNLIMITED}") from None


def show_stock(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every item; the status is 1 if any does not agree with what is booked."""
    rows, all_agree = [], True
    for leg, supplier in _suppliers(settings, arguments.leg):
        for stock in supplier.stock():
            capacity = UNLIMITED if stock.capacity is None else str(stock.capacity)
            agrees = "yes" if stock.consistent else "NO"
            rows.append((leg, stock.item, capacity, str(stock.taken), agrees))
            all_agree &= stock.consistent
    _print_table(("leg", "item", "capacity", "taken", "agrees"), rows)
    return 0 if all_agree else 1


def set_stock(settings: Settings, arguments: argparse.Namespace) -> int:
    """Set one item's capacity."""
    with closing(_sql_supplier(settings, arguments.leg)) as supplier:
        supplier.set_stock(arguments.item, arguments.capacity)
    return 0


def show_held(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every reservation that is booked."""
    rows = [
        (leg, held.item, held.traveller, held.key, held.since.isoformat(timespec="seconds"))
        for leg, supplier in _suppliers(settings, arguments.leg)
        for held in supplier.held()
    ]
    _print_table(("leg", "item", "traveller", "key", "since"), rows)
    return 0


def serve_leg(settings: Settings, arguments: argparse.Namespace) -> int:
    """Serve one leg until the process is told to end."""
    _sql_supplier(settings, arguments.leg).close()  # a wrong setting ends it here, not in a loop
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    Server(lambda: _sql_supplier(settings, arguments.leg), f"{host}:{arguments.port}").run()
    return 0


def _suppliers(settings: Settings, only: str | None) -> Iterator[tuple[str, SqlSupplier]]:
    for leg in [only] if only else LEGS:
        with closing(_sql_supplier(settings, leg)) as supplier:
            yield leg, supplier


def _sql_supplier(settings: Settings, leg: str) -> SqlSupplier:
    try:
        supplier = open_supplier(
            settings.supplier_url(leg), leg, plain_http=settings.plain_http_suppliers
        )
    except ValueError as error:
        give_up(str(error))
    if not isinstance(supplier, SqlSupplier):
        supplier.close()
        give_up(
            f"{leg.upper()}_SUPPLIER is a service over HTTP, whose books are kept elsewhere. "
            "Run this command there, or set it to a sqlite:/// or postgresql:// URL."
        )
    return supplier


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [head, *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _printable(text: str) -> str:
    """The text with no line break, and nothing that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)


if __name__ == "__main__":
    sys.exit(main())
