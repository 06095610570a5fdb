"""A test kit for any saga on Temporal: it plays every case of the failure matrix, and counts.

A folder to copy, hence its relative imports; it needs nothing but `temporalio`.
"""

from .cases import Cancel, Case, Fault, Role, Step, every_case
from .kit import Kit
from .play import Handle
from .report import Report, Result, Verdict

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
