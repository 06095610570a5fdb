"""A test kit for any saga on Temporal: it plays every case of the failure matrix, and counts."""

from tools.saga_kit.cases import Cancel, Case, Fault, Role, Step, every_case
from tools.saga_kit.kit import Kit
from tools.saga_kit.play import Handle
from tools.saga_kit.report import Report, Result, Verdict

__all__ = [
    "Cancel",
    "Case",
    "Fault",
    "Handle",
    "Kit",
    "Report",
    "Result",
    "Role",
    "Step",
    "Verdict",
    "every_case",
]
