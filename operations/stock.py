"""`python -m operations stock` and `held`: the suppliers' stock and reservations."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from sqlalchemy.exc import SQLAlchemyError

from operations.subcommands import Subcommands
from settings import Settings
from shared import Leg
from suppliers import Refused
from suppliers.configured import sql_supplier_of
from suppliers.sql import SqlSupplier

Command = Callable[[Settings, argparse.Namespace], int]

UNLIMITED = "unlimited"
LEGS = list(Leg)


def add_to(commands: Subcommands) -> None:
    """Add the commands."""
    stock = commands.add_parser("stock", help="show or set the stock of each item")
    stock.set_defaults(run=guarded(show_stock), leg=None)
    actions = stock.add_subparsers(metavar="command")
    show = actions.add_parser(
        "show", help="print the stock, and whether it matches the reservations"
    )
    show.add_argument("leg", nargs="?", choices=LEGS, help="default: all of them")
    change = actions.add_parser("set", help="set the capacity of an item")
    change.add_argument("leg", choices=LEGS)
    change.add_argument("item")
    change.add_argument("capacity", type=_capacity, help=f"a number, or {UNLIMITED}")
    change.set_defaults(run=guarded(set_stock))

    held = commands.add_parser("held", help="print every current reservation")
    held.add_argument("leg", nargs="?", choices=LEGS, help="default: all of them")
    held.set_defaults(run=guarded(show_held))


def guarded(command: Command) -> Command:
    """The command, but a supplier's error is printed, and makes the exit status 1."""

    def run(settings: Settings, arguments: argparse.Namespace) -> int:
        try:
            return command(settings, arguments)
        except Refused as error:
            print(error, file=sys.stderr)
        except (SQLAlchemyError, OSError) as error:
            reason = getattr(error, "orig", None) or error  # the driver's message, without our SQL
            print(f"A supplier's database cannot be used: {reason}", file=sys.stderr)
        return 1

    return run


def _capacity(text: str) -> int | None:
    if text == UNLIMITED:
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, or {UNLIMITED}") from None


def show_stock(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every item; the exit status is 1 if any does not match its reservations."""
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
    """Set an item's capacity."""
    with closing(sql_supplier_of(settings, arguments.leg)) as supplier:
        supplier.set_stock(arguments.item, arguments.capacity)
    return 0


def show_held(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every current reservation."""
    rows = [
        (leg, held.item, held.traveller, held.key, held.since.isoformat(timespec="seconds"))
        for leg, supplier in _suppliers(settings, arguments.leg)
        for held in supplier.held()
    ]
    _print_table(("leg", "item", "traveller", "key", "since"), rows)
    return 0


def _suppliers(settings: Settings, only: str | None) -> Iterator[tuple[str, SqlSupplier]]:
    for leg in [only] if only else LEGS:
        with closing(sql_supplier_of(settings, leg)) as supplier:
            yield leg, supplier


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [head, *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _printable(text: str) -> str:
    """The text without line breaks and terminal escape codes: clients chose it."""
    return "".join(char if char.isprintable() else "?" for char in text)
