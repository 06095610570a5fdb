"""`python -m operations audit`: check that every trip holds all of its three legs, or none.

It reads Temporal and the suppliers that are configured, and changes nothing there; with `--alert`,
staff receive what it found. The desk shows its result, from a file in `DATA_DIR`.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RetryConfig, RPCError

from bookings.audited import Audited
from bookings.client import connect, connect_config
from operations.audit.alerts import alert
from operations.audit.auditor import Report, audit
from operations.audit.report import lines
from operations.audit.shops import CannotAuditError, open_shops
from operations.subcommands import Subcommands
from settings import CONFIGURATION_ERROR, Settings
from shared import TASK_QUEUE_NAME

VIOLATIONS = 1
CONNECT_SECONDS = 10
PATIENCE = RetryConfig(max_elapsed_time_millis=5000)


def add_to(commands: Subcommands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "audit",
        help="check that every trip holds all of its legs or none",
        description="Compare Temporal with what the suppliers hold, and change nothing. "
        "Exit status: 0 clean, 1 violations, 2 the audit could not run.",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--alert", action="store_true", help="alert staff of each trip, once")
    parser.set_defaults(run=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Audit, print the report and return the exit status."""
    try:
        report = asyncio.run(audit_once(settings, tell=arguments.alert))
    except CannotAuditError as error:
        print(f"The audit could not run.\n{error}", file=sys.stderr)
        return CONFIGURATION_ERROR
    keep(report, settings.data_dir)
    print(report.model_dump_json(indent=2) if arguments.json else "\n".join(lines(report)))
    return VIOLATIONS if report.violations else 0


def keep(report: Report, folder: Path) -> None:
    """Keep the result where the desk finds it, if there is such a folder."""
    audited = Audited(
        at=datetime.now(UTC),
        trips=sum(report.trips.values()),
        violations=len(report.violations),
        shelves=report.shelves,
    )
    try:
        audited.write(folder)
    except OSError as error:
        print(
            f"The desk cannot show this audit: {error}. Set DATA_DIR to a folder that exists.",
            file=sys.stderr,
        )


async def audit_once(settings: Settings, *, tell: bool) -> Report:
    """Audit the configured system, and alert staff if `tell` is set.

    Raises:
        CannotAuditError: Temporal or a supplier cannot be read.
    """
    shops = open_shops(settings)
    client = await connected(settings)
    report = await audit(client, shops)
    if tell:
        try:
            await alert(client, report, TASK_QUEUE_NAME)
        except RPCError as error:
            raise CannotAuditError(f"Staff were not alerted of all. {error}") from error
    return report


async def connected(settings: Settings) -> Client:
    """A Temporal client.

    Raises:
        CannotAuditError: Temporal cannot be reached.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await connect(settings, retry=PATIENCE)
    except (RuntimeError, TimeoutError) as error:
        where = connect_config(settings)["target_host"]
        reason = str(error) or f"It did not respond within {CONNECT_SECONDS} s."
        raise CannotAuditError(
            f"Temporal at {where} cannot be reached. {reason}\n"
            "Start it, or correct TEMPORAL_ADDRESS or TEMPORAL_PORT."
        ) from error
