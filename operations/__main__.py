"""For operators: set up, audit, adopt a trip, settle a leg, forget a traveller, stock, decrypt."""

import argparse
import os
import sys

from operations import adopt, codec, settle, setup, stock
from operations.audit import command as audit
from operations.forget import command as forget
from settings import Settings


def main() -> int:
    """Run a command, and return its exit status."""
    os.umask(0o077)  # a file that it creates holds travellers' names
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (setup, audit, adopt, settle, forget, stock, codec):
        command.add_to(commands)
    arguments = parser.parse_args()
    status: int = arguments.run(Settings.load(), arguments)
    return status


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # SDK threads that are still stopping may crash an interpreter that shuts down (sdk-python issue
    # 300), and then a command that has done its work would fail.
    os._exit(status)
