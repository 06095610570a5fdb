"""For operators: audit the trips, settle a stuck leg, show and set the suppliers' stock."""

import argparse
import sys

from operations import settle, stock
from operations.audit import command as audit
from settings import Settings


def main() -> int:
    """Run a command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (audit, settle, stock):
        command.add_to(commands)
    arguments = parser.parse_args()
    status: int = arguments.run(Settings.load(), arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
