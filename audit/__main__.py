"""Check that every trip holds all of its three legs or none, and that nothing else is held.

Reads Temporal and the suppliers that the environment names, as for the worker, and changes
nothing. Exit status: 0 clean, 1 violations, 2 it cannot be told.
"""

import argparse
import asyncio
import sys

from temporalio.client import Client
from temporalio.service import RetryConfig

from audit.auditor import Report, audit
from audit.report import lines
from audit.shops import CannotAuditError, open_shops
from settings import CONFIGURATION_ERROR, Settings
from temporal_client import connect, connect_config

VIOLATIONS = 1
CONNECT_SECONDS = 10
PATIENCE = RetryConfig(max_elapsed_time_millis=5000)


def main() -> int:
    """Audit, and print what was found; the result is the exit status."""
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    try:
        report = asyncio.run(audit_once(Settings.load()))
    except CannotAuditError as error:
        print(f"The audit could not be made.\n{error}", file=sys.stderr)
        return CONFIGURATION_ERROR
    print(report.model_dump_json(indent=2) if arguments.json else "\n".join(lines(report)))
    return VIOLATIONS if report.violations else 0


async def audit_once(settings: Settings) -> Report:
    """Audit the system that the settings name.

    Raises:
        CannotAuditError: Temporal or a supplier cannot be read.
    """
    shops = open_shops(settings)
    try:
        return await audit(await connected(settings), shops)
    finally:
        await asyncio.sleep(0.25)  # the SDK's threads need a moment of rest (sdk-python issue 300)


async def connected(settings: Settings) -> Client:
    """A client of Temporal.

    Raises:
        CannotAuditError: It cannot be reached.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await connect(settings, retry=PATIENCE)
    except (RuntimeError, TimeoutError) as error:
        where = connect_config(settings)["target_host"]
        reason = str(error) or f"It did not answer within {CONNECT_SECONDS} s."
        raise CannotAuditError(
            f"Temporal at {where} cannot be reached. {reason}\n"
            "Start it, or set TEMPORAL_ADDRESS or TEMPORAL_PORT to where it is."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
