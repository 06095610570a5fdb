"""The gallery: each shape loses what the page says, and ours loses nothing."""

import re
import subprocess
import sys

import pytest

from examples.gallery.__main__ import COLUMNS, README, split
from examples.gallery.shapes import SHAPES
from tools.helpers.processes import ROOT


def rows(table: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    lines = table.strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_has_a_row_and_an_entry_for_each_shape() -> None:
    page = README.read_text()
    names = [re.findall(r"`(\w+)`", row[0])[-1] for row in rows(split(page)[1])]
    assert names == [shape.__name__ for shape in SHAPES]
    entries = re.findall(r"\*\*\d+\. [^*]+\*\* \(`(\w+)`\)", page)
    assert entries == names[:-1]
    assert page.count("\n*The fix:*") + page.count(" *The fix:*") == 11


@pytest.mark.long
def test_each_shape_loses_what_the_page_says_and_ours_loses_nothing() -> None:
    command = [sys.executable, "-m", "examples.gallery"]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=900, check=True
    )
    printed = rows(done.stdout[done.stdout.index("| shape") :])
    said = rows(split(README.read_text())[1])
    *shapes, ours = printed
    assert ours[2:] == ["0"] * len(COLUMNS)
    met, cases = ours[1].split(" of ")
    assert met == cases
    for now, then in zip(printed, said, strict=True):
        assert now[0] == then[0]
        # A shape races with its partners: a count may vary a little, but not what it loses.
        assert [cell != "0" for cell in now[1:]] == [cell != "0" for cell in then[1:]], now
    assert all(row[2:] != ["0"] * len(COLUMNS) for row in shapes)
