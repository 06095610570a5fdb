"""docs/your-own-saga.md, followed to the letter in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.binary import find_or_get_binary
from tools.helpers.processes import ROOT

PAGE = (ROOT / "docs" / "your-own-saga.md").read_text()
FILES = dict(re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.findall(
    r"```bash\n(.*?)```(?:\n\n[^`\n]* prints[^`\n]*:\n\n```\n(.*?)```)?", PAGE, re.DOTALL
)
[STORY] = re.findall(r"```\n(do:.*?)```", PAGE, re.DOTALL)
MOVED, FOLLOWS = (
    "        self.owed.append(step)  # before the step: one that fails may still have been done\n",
    "        result = await uncancellable(self._try(Verb.DO, step))\n",
)


@pytest.fixture
def evening(tmp_path: Path) -> Path:
    """The folder with the page's files and copies; what it installs is installed already."""
    (tmp_path / "trip-booking").symlink_to(ROOT)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "temporal").symlink_to(find_or_get_binary())
    folder = tmp_path / "evening"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content)
    [copies] = [line for line in COMMANDS[0][0].splitlines() if line.startswith("cp ")]
    assert run(folder, copies).returncode == 0
    return folder


def run(folder: Path, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder.parent / "bin"), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace("python ", f"{sys.executable} ")],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=400,
    )


@pytest.mark.long
def test_each_command_prints_what_the_page_says(evening: Path) -> None:
    for command, shown in COMMANDS[1:]:
        done = run(evening, command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert shown.strip() in done.stdout


@pytest.mark.long
def test_the_kit_notices_an_undo_that_is_registered_late(evening: Path) -> None:
    saga = (evening / "saga.py").read_text()
    (evening / "saga.py").write_text(saga.replace(MOVED + FOLLOWS, FOLLOWS + MOVED))
    done = run(evening, COMMANDS[-1][0], SAGA_CASE=STORY.splitlines()[0])
    assert done.returncode == 1, done.stdout + done.stderr
    for line in STORY.removesuffix("  …\n").splitlines():
        assert line.strip() in done.stdout
    assert f"SAGA_CASE='{STORY.splitlines()[0]}' python -m pytest" in done.stdout


def test_each_block_is_used_here() -> None:
    languages = re.findall(r"^```(\w*)", PAGE, re.MULTILINE)[::2]
    assert len(FILES) == languages.count("python") == 4
    assert len(COMMANDS) == languages.count("bash") == 3
    assert [bool(shown) for _, shown in COMMANDS] == [False, True, True]
    assert "`self.owed.append(step)` below the one that follows it" in PAGE
    assert MOVED + FOLLOWS in (ROOT / "saga.py").read_text()


def test_the_page_explains_its_words_first() -> None:
    section = PAGE.split("## ")[1]
    words = ["saga", "step", "undo", "workflow", "activity", "worker", "fence", "pivot"]
    assert re.findall(r"\*\*(\w+)\*\*", section) == words
