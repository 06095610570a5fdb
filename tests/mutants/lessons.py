"""Six lessons, each of which breaks one promise in a copy of the project: `make lesson`.

`python -m tests.mutants.lessons 3` gives the third. In a terminal it waits for Enter at each step.
"""

import difflib
import re
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from tests.mutants.__main__ import MUTANTS, PYTEST, ROOT, Mutant, broken, project_copy, run
from tests.mutants.scenarios import SCENARIOS

OUTCOMES, CANCELS = "tests/saga/test_outcomes.py", "tests/saga/test_cancellation.py"


class Lesson(NamedTuple):
    """A mutant, by how its promise begins, what to see without and with it, and a test for it."""

    promise: str
    scenario: str
    moral: str
    test: str

    @property
    def mutant(self) -> Mutant:
        """What breaks the promise."""
        [mutant] = [it for it in MUTANTS if it.promise.startswith(self.promise)]
        return mutant


LESSONS = [
    Lesson(
        "1 All or none: a failed leg",
        "sold_out",
        "A saga is a promise about what is held in the end, not about what was tried.",
        f"{OUTCOMES}::test_a_refused_leg_leaves_none_held",
    ),
    Lesson(
        "2 Undo before do",
        "answers_lost",
        "A step that failed may still have been done: its outcome is unknown.",
        f"{OUTCOMES}::test_undo_is_registered_before_do",
    ),
    Lesson(
        "3 One key a leg: made from the run id",
        "reset",
        "A key must outlive the run: what was asked for twice is to be booked once.",
        f"{OUTCOMES}::test_one_key_a_leg_whatever_the_run",
    ),
    Lesson(
        "5 Undo fences",
        "late",
        "An undo has to be remembered, so that a step that is still running cannot follow it.",
        f"{OUTCOMES}::test_undo_fences_a_step_that_books_late",
    ),
    Lesson(
        "6 Cancellation: one shield",
        "cancelled",
        "A cancellation ends the first wait that it meets; the undo has to be waited for anew.",
        f"{CANCELS}::test_while_undo_is_running",
    ),
    Lesson(
        "7 An undo is never silent",
        "stuck",
        "A partner that is down must not keep the others from being released.",
        "tests/saga/test_undo.py::test_a_stuck_undo_lets_the_next_one_start_and_needs_attention",
    ),
]


def give(number: int, copy: Path) -> bool:
    """Give a lesson; false if the test did not tell the broken copy from the whole one."""
    lesson = LESSONS[number - 1]
    mutant, scenario = lesson.mutant, SCENARIOS[lesson.scenario]
    flaw = mutant.promise.partition(": ")[2]
    print(f"\n=== Lesson {number} of {len(LESSONS)}. {promise(mutant)}\n\n{scenario.__doc__}\n")
    pause("see what the suppliers hold")
    observe(lesson, copy)
    pause(f"break {mutant.file}")
    with broken(mutant, copy):
        print(f"Broken ({flaw}):\n\n{change(mutant)}\n")
        pause("see what they hold now")
        observe(lesson, copy)
        pause("run its test")
        red = turns_red(lesson, copy)
    pause("put it back, and run the test again")
    green = not turns_red(lesson, copy)
    print(f"\n{lesson.moral}")
    return red and green


def observe(lesson: Lesson, copy: Path) -> None:
    """Run the scenario, and show what the booking says and what the suppliers hold."""
    status, printed = run(copy, "tests.mutants.scenarios", lesson.scenario, seconds=120)
    if status:
        sys.exit(f"The scenario {lesson.scenario} could not run:\n{printed}")
    print("\n".join(re.findall("^The (?:booking|suppliers) .*", printed, re.MULTILINE)), "\n")


def turns_red(lesson: Lesson, copy: Path) -> bool:
    """Run the lesson's test, and say how it ends."""
    status, printed = run(copy, *PYTEST, lesson.test, seconds=120)
    if status not in {None, 0, 1}:
        sys.exit(f"The test {lesson.test} could not run:\n{printed}")
    print("GREEN" if status == 0 else "RED  ", lesson.test, "\n")
    return status != 0


def promise(mutant: Mutant) -> str:
    """The promise that a mutant breaks, as the page of the promises has it."""
    number = mutant.promise.split()[0]
    page = (ROOT / "docs" / "promises.md").read_text()
    [words] = re.findall(rf"^\| {number} \| (.*?) \|", page, re.MULTILINE)
    return f"Promise {number}: {words.replace('**', '')}"


def change(mutant: Mutant) -> str:
    """The lines that are broken, and what they become."""
    old, new = mutant.code.splitlines(), mutant.broken.splitlines()
    _, _, _, *lines = difflib.unified_diff(old, new, n=len(old), lineterm="")
    return "\n".join(f"  {line}" for line in lines)


def pause(what: str) -> None:
    """Wait for Enter in a terminal."""
    if sys.stdin.isatty():
        input(f"[Enter: {what}] ")
    else:
        print(f"[{what}]")
    sys.stdout.flush()


def main(chosen: list[str]) -> int:
    """Give the chosen lesson, or all; the status is 1 if one did not show what it should."""
    for signum in (signal.SIGTERM, signal.SIGHUP):  # end like Ctrl-C: with nothing left behind
        signal.signal(signum, signal.default_int_handler)
    numbers = [number for number in range(1, len(LESSONS) + 1) if chosen in ([], [str(number)])]
    if not numbers:
        sys.exit(f"There are lessons 1 to {len(LESSONS)}: make lesson N=3")
    try:
        with project_copy() as copy:
            print("This happens in a copy of the project; yours stays as it is.")
            good = [give(number, copy) for number in numbers]
    except (KeyboardInterrupt, EOFError):
        print("\nStopped; the copy is removed.")
        return 130
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
