"""The saga in one file: run as people run it, alone in a folder, it prints both ledgers."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local.binary import find_or_get_binary
from tools.helpers.processes import ROOT

FILE = ROOT / "examples" / "saga_in_one_file.py"


@pytest.mark.long
def test_the_published_shape_leaves_a_room_behind_and_ours_nothing(tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path)
    path = os.pathsep.join([str(find_or_get_binary().parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, FILE.name],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    published, ours = re.findall(r"Saga, cancelled .*\n((?:  .*\n)+)", done.stdout)
    assert [line.strip() for line in published.splitlines()] == [
        "the car is booked",
        "no hotel to undo",
        "the car is undone",
        "the hotel is booked",
        "=> held in the end: hotel",
    ]
    assert [line.strip() for line in ours.splitlines()] == [
        "the car is booked",
        "the hotel is booked",
        "the hotel is undone",
        "the car is undone",
        "=> held in the end: nothing",
    ]


def test_it_needs_only_what_its_first_lines_say() -> None:
    source = FILE.read_text()
    block = re.match(r"# /// script\n((?:# .*\n)+)# ///\n", source)
    assert block, "PEP 723 wants this block"
    metadata = tomllib.loads(re.sub("^# ", "", block[1], flags=re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["requires-python"] == project["requires-python"]
    assert set(metadata["dependencies"]) <= set(project["dependencies"])
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"temporalio"}
    assert len(source.splitlines()) <= 155, "small enough to be read in one go"
