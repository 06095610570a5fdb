"""An audit's report as text."""

from collections.abc import Iterator

from operations.audit.auditor import Report
from operations.audit.findings import Finding
from operations.audit.known import Standing


def lines(report: Report) -> Iterator[str]:
    """The report, line by line."""
    yield f"{sum(report.trips.values())} trips: {', '.join(_counts(report))}."
    held = ", ".join(f"{count} {leg}s" for leg, count in report.held.items())
    yield f"The suppliers hold {held}."
    if report.past_retention or report.forgotten:
        yield (
            f"Judged by the suppliers alone: {report.past_retention} trips past Temporal's "
            f"retention period, {report.forgotten} forgotten on request."
        )
    yield from report.not_seen
    notes = [finding for finding in report.findings if not finding.is_violation]
    for finding in [*notes, *report.violations]:
        yield from _finding(finding)
    if report.violations:
        yield f"\n{len(report.violations)} violations. docs/operating.md explains each kind."
    else:
        yield "\nNo violations: every trip holds all of its three legs, or none."


def _counts(report: Report) -> Iterator[str]:
    for standing in Standing:
        yield f"{report.trips[standing]} {standing}"


def _finding(finding: Finding) -> Iterator[str]:
    mark = "VIOLATION" if finding.is_violation else "note"
    yield f"\n{mark} ({finding.kind}) {finding.booking_id or ''}".rstrip()
    yield f"  {_printable(finding.why)}"
    yield f"  What to do: {_printable(finding.todo)}"


def _printable(text: str) -> str:
    """The text without terminal escape codes: clients chose the items."""
    return "".join(char if char.isprintable() else "?" for char in text)
