"""The kit's README: its example is run, and shows what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.helpers.processes import ROOT

README = (ROOT / "tools" / "saga_kit" / "README.md").read_text()


def run(folder: Path, port: int, **variables: str) -> str:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = folder / "example.py"
    script.write_text(example)
    where = {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **where, **variables},
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    ).stdout


@pytest.mark.long
def test_the_example_finds_what_it_says(temporal_port: int, tmp_path: Path) -> None:
    printed = run(tmp_path, temporal_port)
    [story] = re.findall(r"```\n(book_car:.*?)```", README, re.DOTALL)
    for line in story.replace("python …", "").splitlines():
        words = re.sub(r"^ *[0-9:.]+", "", line).strip()
        assert words == "…" or words in printed
    counted = re.search(r"(\d+) of \1 cases: .*\d+ bookings left behind", printed)
    assert counted, printed


def test_a_case_is_played_alone(temporal_port: int, tmp_path: Path) -> None:
    alone = "book_car: committed, answer lost once; cancelled never; cached"
    printed = run(tmp_path, temporal_port, SAGA_CASE=alone)
    assert re.fullmatch(r"1 of \d+ cases: all or none\n", printed)
