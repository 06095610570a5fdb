"""The lessons: each shows what it should, and leaves nothing behind."""

import os
import pty
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.mutants.lessons import LESSONS, Lesson, promise
from tests.mutants.scenarios import SCENARIOS
from tools.helpers.processes import ROOT, wait_until

NAMES = [lesson.scenario for lesson in LESSONS]


def test_there_are_six_of_six_promises() -> None:
    assert len({promise(lesson.mutant) for lesson in LESSONS}) == 6
    assert set(NAMES) == set(SCENARIOS)


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_its_mutant_and_its_test_exist(lesson: Lesson) -> None:
    assert (ROOT / lesson.mutant.file).read_text().count(lesson.mutant.code) == 1
    file, _, name = lesson.test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text()


def state_of_the_project() -> str:
    return subprocess.check_output(["git", "status", "--short"], cwd=ROOT, text=True)


@pytest.mark.long
def test_a_lesson_shows_what_is_lost_and_puts_it_back(tmp_path: Path) -> None:
    before = state_of_the_project()
    done = subprocess.run(
        ["make", "lesson", "N=1"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("The suppliers hold")]
    assert [line.split(":")[1].strip() for line in shown] == ["nothing", "car (1), hotel (1)"]
    results = [line.split()[0] for line in done.stdout.splitlines() if "::" in line]
    assert results == ["RED", "GREEN"]
    assert state_of_the_project() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("moment", ["at a pause", "while the broken scenario is running"])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, moment: str) -> None:
    before = state_of_the_project()
    terminal, end = pty.openpty()
    log = tmp_path / "log"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    with log.open("w") as output:
        lesson = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.lessons", "2"],
            cwd=ROOT,
            env=environment,
            stdin=end,
            stdout=output,
            stderr=output,
        )
    try:
        for step in ("see what the suppliers hold", "break saga.py", "see what they hold now"):
            wait_until(partial(shows, log, f"[Enter: {step}]"), 90)
            if step == "break saga.py" and moment == "at a pause":
                break
            os.write(terminal, b"\n")
        else:
            wait_until(lambda: len(programs_of(temporary)) > 2, 60)  # Temporal's server is up, too
        lesson.send_signal(signal.SIGINT)
        assert lesson.wait(30) == 130
    finally:
        lesson.kill()
        lesson.wait()
        os.close(terminal)
        os.close(end)
    assert "Stopped; the copy is removed." in log.read_text()
    assert list(temporary.iterdir()) == []
    assert programs_of(temporary) == []
    assert state_of_the_project() == before


def shows(log: Path, text: str) -> bool:
    return text in log.read_text()


def programs_of(temporary: Path) -> list[int]:
    """The lesson, and what it has started, by their folder for temporary files."""
    found = psutil.process_iter(["pid", "environ"])
    folders = {it.info["pid"]: (it.info["environ"] or {}).get("TMPDIR", "") for it in found}
    return [pid for pid, folder in folders.items() if folder.startswith(str(temporary))]


def test_a_lesson_that_does_not_exist() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants.lessons", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "There are lessons 1 to 6: make lesson N=3\n"
