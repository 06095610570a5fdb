"""A run of chaos: a short one ends clean, and one with a violation does not."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from suppliers.sql import SqlSupplier
from tools.helpers.processes import ROOT, Environment, wait_until

pytestmark = pytest.mark.long


@contextmanager
def chaos(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run that keeps its files in this folder."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.chaos", "--seconds", "8", *arguments],
        cwd=ROOT,
        env=Environment(folder) | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            yield run
        finally:
            run.terminate()


def output_of(run: subprocess.Popen[str]) -> str:
    return run.communicate(timeout=300)[0]


def test_a_short_run_ends_clean(tmp_path: Path) -> None:
    with chaos(tmp_path, "--seed=1") as run:
        output = output_of(run)
    assert run.returncode == 0, output
    assert "No violations" in output
    assert "kills       0" not in output
    assert not list(tmp_path.glob("chaos-*"))


def test_plain_trips_are_booked_among_neighbours(tmp_path: Path) -> None:
    with chaos(tmp_path, "--neighbours") as run:
        output = output_of(run)
    assert run.returncode == 0, output
    assert "No violations" in output
    for line in (
        "alone +[0-9]+ plain trips: p50",
        "among them +[0-9]+ plain trips: p50",
        "greedy.* 429s",
    ):
        assert re.search(line, output), output


def test_a_violation_fails_the_run_and_keeps_what_explains_it(tmp_path: Path) -> None:
    booking_id = f"trip-{0:032x}"
    with chaos(tmp_path, "--seed=2") as run:
        wait_until(lambda: list(tmp_path.glob("chaos-*/data/hotel.db")), timeout=120)
        [database] = tmp_path.glob("chaos-*/data/hotel.db")
        with closing(SqlSupplier(f"sqlite:///{database}", "hotel")) as hotels:
            hotels.reserve(f"{booking_id}:f00d:hotel", "a hotel", "nobody")
        output = output_of(run)
    assert run.returncode == 1, output
    assert f"{booking_id} (unknown)" in output
    assert "make chaos SEED=2 BOOKINGS=0 SECONDS=8" in output
    assert {file.name for file in database.parent.parent.iterdir()} >= {
        "data",
        "clients.jsonl",
        "system.log",
    }
