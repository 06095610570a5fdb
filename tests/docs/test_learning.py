"""The pages to learn from: what they quote and name exists."""

import re

from tests.docs.quotes import PAGE, QUOTE, mended
from tests.mutants.lessons import LESSONS, promise
from tools.helpers.processes import ROOT

LEARN = PAGE.read_text()


def test_each_block_is_in_the_file_at_the_lines_that_its_link_names() -> None:
    assert mended(LEARN) == LEARN, "code has moved; run: python -m tests.docs.quotes"
    assert len(QUOTE.findall(LEARN)) == LEARN.count("```python") > 12


def test_it_goes_through_the_workflows_from_top_to_bottom() -> None:
    starts = [
        int(lines[1:].partition("-")[0])
        for file, lines, _ in QUOTE.findall(LEARN)
        if file == "saga_workflows.py"
    ]
    assert starts == sorted(starts)


def test_it_names_each_lesson_with_its_promise() -> None:
    named = re.findall(r"\[Lesson (\d)\]\(#lessons\)", LEARN)
    assert sorted(set(named)) == [str(number) for number in range(1, len(LESSONS) + 1)]
    rows = re.findall(r"^\| (\d) \| (\d+) \|", LEARN, re.MULTILINE)
    assert rows == [
        (str(number), lesson.mutant.promise.split()[0])
        for number, lesson in enumerate(LESSONS, start=1)
    ]
    assert promise(LESSONS[0].mutant).startswith("Promise 1: All or none.")


def test_what_could_be_offered_upstream_has_a_test_for_each_finding() -> None:
    page = (ROOT / "docs" / "upstream.md").read_text()
    folders = (ROOT / "tests" / "upstream", ROOT / "tests" / "examples")
    tests = "".join(path.read_text() for it in folders for path in it.glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page))
    assert {name for name in named if f"def {name}(" not in tests} == set()
    upstream = set(
        re.findall(
            r"def (test_\w+)\(", "".join(path.read_text() for path in folders[0].glob("test_*.py"))
        )
    )
    assert upstream <= named
