"""What became of each case, in types, in words and as a count."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .cases import Case


class Verdict(StrEnum):
    """What is wrong with a case; several may be."""

    NOT_MET = "never met its fault or its moment"
    LEFT_BEHIND = "bookings left behind"
    DOUBLED = "double bookings"
    WRONG_OUTCOME = "wrong outcome"
    NEVER_ENDED = "never ended"


@dataclass(frozen=True)
class Result:
    """What became of a case; `undone` are the undos that began, in order."""

    case: Case
    workflow_id: str
    held: Sequence[str]
    closed_as: str | None
    undone: Sequence[str]
    verdicts: Sequence[Verdict]
    story: str

    def __str__(self) -> str:
        wrong, holds = "; ".join(self.verdicts), ", ".join(self.held) or "nothing"
        lines = [f"{wrong or 'all or none'}: at the end held is {holds}", *self.story.split("\n")]
        lines.append(f"Alone: {command(self.case)}")
        return "\n  ".join([str(self.case), *lines])


@dataclass(frozen=True)
class Report:
    """The results of a run, and how many cases there are when none is chosen by `SAGA_CASE`."""

    results: Sequence[Result]
    cases: int

    @property
    def wrong(self) -> list[Result]:
        """The results of the cases in which something is wrong."""
        return [result for result in self.results if result.verdicts]

    def count(self, verdict: Verdict) -> int:
        """In how many cases this is wrong."""
        return sum(verdict in result.verdicts for result in self.results)

    def check(self) -> None:
        """Raise an `AssertionError` with the stories unless every case is all or none."""
        if self.wrong or not self.results:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        counted = Counter(verdict for result in self.results for verdict in result.verdicts)
        words = [f"{number} {verdict}" for verdict, number in counted.items()] or ["all or none"]
        summary = f"{len(self.results)} of {self.cases} cases: {', '.join(words)}"
        return "\n\n".join([*map(str, self.wrong), summary])


def command(case: Case) -> str:
    """The command line that plays this case alone, by pytest or as this program was started."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    again = ["python", "-m", "pytest", "-s", "-m", "", test] if test else sys.orig_argv
    return f"{ONLY}={shlex.quote(str(case))} {shlex.join(again)}"


ONLY = "SAGA_CASE"
"""The environment variable that names the only case to play."""
