"""The benchmark runs, and its report is complete; how fast anything was is not asserted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench.__main__ import FLOORS
from tools.helpers.processes import ROOT

pytestmark = pytest.mark.long

NUMBER = re.compile(r"\d+(\.\d+)?")


def rows(report: str, heading: str) -> list[list[str]]:
    section = report.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return table[2:]


def test_a_quick_run_fills_every_row_of_the_report(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.bench", "--quick", "--output", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr

    report = (tmp_path / "results.md").read_text()
    goals = rows(report, "Goals")
    assert len(goals) == 17
    assert all(NUMBER.fullmatch(measured) for _, _, measured, *_ in goals)
    assert {verdict for *_, verdict in goals} <= {"pass", "**miss**"}

    speeds = rows(report, "Bookings")
    expected = {
        (subject, path, clients)
        for subject in (*FLOORS, "ours", "regular", "naive")
        for path in ("happy", "rollback")
        for clients in ("1", "32")
        if path == "happy" or subject not in FLOORS
    }
    assert {tuple(row[:3]) for row in speeds} == expected
    assert all(NUMBER.match(cell) for row in speeds for cell in row[3:])

    cpu = rows(report, "CPU milliseconds per booking, by process")
    assert {tuple(row[:3]) for row in cpu} == expected
    assert all(
        NUMBER.match(cell) or (row[0] in FLOORS and cell == "-") for row in cpu for cell in row[3:]
    )

    assert len(rows(report, "Memory after the run, in MiB")) == 15
    kept = rows(report, "What Temporal keeps of a booking")
    assert len(kept) == 9
    assert all(int(count) > 0 for row in kept for count in row[2:])
    assert (tmp_path / "results.svg").read_text().startswith("<svg")
