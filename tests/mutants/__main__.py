"""The tests are tested: `python -m tests.mutants` breaks each promise, and sees a test turn red.

Each mutant is a small change of the code, made in a copy of the project.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "data", "docs", "screenshots", "__pycache__")
PYTEST = ["pytest", "-x", "-q", "-m", "", "-p", "no:cacheprovider"]  # of the long tier too


class Mutant(NamedTuple):
    """A change that breaks a promise, and the tests that must notice."""

    promise: str
    file: str
    code: str
    broken: str
    tests: str


SAGA, TRIP, SQL = "saga.py", "saga_workflows.py", "suppliers/sql.py"
FOLLOW_UPS = "bookings/follow_ups.py"
OUTCOMES, CANCELS = "tests/saga/test_outcomes.py", "tests/saga/test_cancellation.py"
UNDOS, NOTICES = "tests/saga/test_undo.py", "tests/saga/test_notify.py"
CORE = "tests/saga/test_core.py"

FIRST_TRIES, FIRST = "bookings/first_tries.py", "tests/saga/test_first_try.py"

MUTANTS = [
    Mutant(
        "1 All or none: a failed leg ends the booking without its undo",
        TRIP,
        "                self.trip.owe_the_rest()\n            await self.saga.undo_all()\n",
        "                self.trip.owe_the_rest()\n",
        f"{OUTCOMES} -k refused_leg",
    ),
    Mutant(
        "2 Undo before do: registered after the step",
        SAGA,
        "        self.owed.append(step)  # before the step: one that fails may still have been "
        "done\n        result = await uncancellable(self._try(Verb.DO, step))\n",
        "        result = await uncancellable(self._try(Verb.DO, step))\n"
        "        self.owed.append(step)\n",
        f"{OUTCOMES} -k registered_before_do",
    ),
    Mutant(
        "3 One key a leg: made from the run id",
        TRIP,
        "workflow.info().workflow_id.removesuffix(CANCEL_SUFFIX)",
        "workflow.info().run_id",
        f"{OUTCOMES} -k one_key",
    ),
    Mutant(
        "3 One key a leg: without the fingerprint",
        "shared.py",
        'key=f"{booking_id}:{self.fingerprint}:{leg}"',
        'key=f"{booking_id}::{leg}"',
        "tests/saga/test_keys.py",
    ),
    Mutant(
        "4 Do is idempotent: the same key takes a unit each time",
        SQL,
        "            else:\n                self._check_same(db, key, item)\n",
        "            else:\n                self._take(db, item)\n",
        f"{OUTCOMES} -k do_is_idempotent",
    ),
    Mutant(
        "5 Undo fences: no tombstone for what was never booked",
        SQL,
        '        if self._record(db, key, "released"):\n'
        '            _write_ledger(db, key, "", "fenced")\n'
        "            return False\n"
        "        if item",
        "        if item",
        f"{OUTCOMES} -k fences",
    ),
    Mutant(
        "5 Undo is idempotent: a unit is given back each time",
        SQL,
        '.where(reservation.c.key == bindparam("this"), reservation.c.state == "booked")',
        '.where(reservation.c.key == bindparam("this"))',
        f"{OUTCOMES} -k undo_is_idempotent",
    ),
    Mutant(
        "6 Cancellation: one shield, as most published sagas have it",
        SAGA,
        "    while not task.done():\n        with suppress(asyncio.CancelledError):\n"
        "            await workflow.wait([task])\n    return task.result()\n",
        "    return await asyncio.shield(task)\n",
        CANCELS,
    ),
    Mutant(
        "6 Cancellation: swallowed by a step that completes",
        SAGA,
        "def raise_if_cancelled() -> None:\n",
        "def raise_if_cancelled() -> None:\n    return\n",
        CANCELS,
    ),
    Mutant(
        "7 An undo never gives up: it does when its activity says never",
        SAGA,
        "                elif verb in {Verb.UNDO, Verb.AFTER} or (",
        "                elif verb is Verb.AFTER or (",
        f"{CORE} -k never_gives_up",
    ),
    Mutant(
        "7 An undo is never silent: a stuck one holds the next one up",
        SAGA,
        "timeout=step.options.patience",
        "timeout=None",
        f"{UNDOS} -k stuck_undo",
    ),
    Mutant(
        "7 Undos start in reverse order",
        SAGA,
        "for step in reversed([step for step in self.owed if step.undo]):",
        "for step in [step for step in self.owed if step.undo]:",
        f"{UNDOS} -k reverse",
    ),
    Mutant(
        "8 A bug does not roll a trip back",
        TRIP,
        "except FAILED:",
        "except BaseException:",
        f"{UNDOS} -k suspends",
    ),
    Mutant(
        "9 What is not critical cannot undo, or delay: the booking waits for the message",
        FOLLOW_UPS,
        "await workflow.start_child_workflow(",
        "await workflow.execute_child_workflow(",
        NOTICES,
    ),
    Mutant(
        "10 The outcome is true: a refused leg is said to have failed",
        SAGA,
        "State.REFUSED if refused else State.FAILED",
        "State.FAILED",
        f"{OUTCOMES} -k refused_leg",
    ),
    Mutant(
        "10 The outcome of a cancelled booking is in its memo",
        TRIP,
        "            workflow.upsert_memo({OUTCOME_MEMO: outcome})\n",
        "            pass\n",
        CANCELS,
    ),
    Mutant(
        "11 Time is bounded a leg at a time: no deadline",
        SAGA,
        "            schedule_to_close_timeout=timedelta(seconds=options.deadline) if do else None,"
        "\n",
        "",
        f"{OUTCOMES} -k past_its_deadline",
    ),
    Mutant(
        "11 A killed worker's step is taken over: no heartbeat timeout",
        SAGA,
        "            heartbeat_timeout=timedelta(seconds=options.heartbeat),\n",
        "",
        "tests/system/test_processes.py -k takes_over",
    ),
    Mutant(
        "12 Old histories replay: the legs are booked in another order",
        TRIP,
        "            for leg in Leg:\n",
        "            for leg in reversed(Leg):\n",
        "tests/saga/test_replay.py",
    ),
    Mutant(
        "12 Workflow code reads no clock: the sandbox of the tests refuses it",
        TRIP,
        "        self.input = trip\n",
        "        self.input = trip\n        self.begun = __import__('time').time()\n",
        "tests/saga/test_replay.py",
    ),
    Mutant(
        "14 What people are told is true: a notice does not look before it speaks",
        "activities.py",
        "            if await is_true(activity.client(), notice):\n",
        "            if notice:\n",
        f"{NOTICES} -k outage_of_mail",
    ),
    Mutant(
        "14 The last word is the latest: a cancellation overtakes a confirmation",
        "bookings/notices.py",
        "    return found is not None and found.status is WorkflowExecutionStatus.RUNNING\n",
        "    return False\n",
        f"{NOTICES} -k message_is_slow",
    ),
    Mutant(
        "16 A pivot never times out into an undo: any failure of it is taken for a refusal",
        SAGA,
        "(verb is Verb.PIVOT and not refused)",
        "False",
        f"{CORE} -k pivot_never_times_out",
    ),
    Mutant(
        "16 A pivot settled as not done is undone: it is taken for done",
        SAGA,
        "                    if settlement.done:\n",
        "                    if settlement:\n",
        f"{CORE} -k settled_as_not_done",
    ),
    Mutant(
        "16 After the pivot a cancellation changes nothing: it is obeyed",
        SAGA,
        "        self._phase = Status.COMMITTED\n",
        "        self._phase = Status.COMMITTED\n        raise_if_cancelled()\n",
        f"{CORE} -k after_the_pivot",
    ),
    Mutant(
        "1 All or none: what a lost first try booked is not undone",
        TRIP,
        "return self.input.pace.first_try > 0 or (",
        "return (",
        f"{FIRST} -k before_a_cancel",
    ),
    Mutant(
        "1 All or none: a refusal is looked for only where other activities have it",
        FIRST_TRIES,
        "except FailureError as error:",
        "except ActivityError as error:",
        f"{FIRST} -k refusal_is_final",
    ),
    Mutant(
        "12 Replays: a first try that timed out is looked for only where a live one is",
        FIRST_TRIES,
        "except FailureError as error:",
        "except (ActivityError, ApplicationError) as error:",
        f"{FIRST} -k hangs_delays",
    ),
    Mutant(
        "1 All or none: the undo begins before the decision is in the history",
        FIRST_TRIES,
        "(verb is Verb.UNDO and [step.name] != first_undo)",
        "verb is Verb.UNDO",
        f"{FIRST} -k lost_its_task",
    ),
    Mutant(
        "10 The outcome is true: a leg that only its undo found is reported as not attempted",
        TRIP,
        "if self._was_lost(outcome):",
        "if False:",
        f"{FIRST} -k before_a_cancel",
    ),
    Mutant(
        "10 The outcome is true: a first try in vain is no attempt",
        "bookings/retelling.py",
        "        counted.attempt += 1\n",
        "",
        f"{FIRST} -k tried_again",
    ),
]


@contextmanager
def project_copy() -> Iterator[Path]:
    """A copy of the project, which may be broken: the project itself is never touched."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        yield copy


@contextmanager
def broken(mutant: Mutant, copy: Path) -> Iterator[None]:
    """Break the copy as the mutant says, and put it back at the end."""
    path = copy / mutant.file
    text = path.read_text()
    if text.count(mutant.code) != 1:
        sys.exit(f"{mutant.promise}: {mutant.file} has changed. Write this mutant anew.")
    path.write_text(text.replace(mutant.code, mutant.broken))
    try:
        yield
    finally:
        path.write_text(text)


def run(copy: Path, *command: str, seconds: float = 45) -> tuple[int | None, str]:
    """Run a Python module in the copy: its status, or None after too long, and what it printed.

    Whatever happens in the meantime, none of its processes is left, and no file but in the copy's
    folder.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=os.environ | {"TMPDIR": str(copy.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=seconds)
        return process.returncode, printed
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether the tests stay green although the promise is broken."""
    with broken(mutant, copy):
        status, printed = run(copy, *PYTEST, *mutant.tests.split())
    if status not in {None, 0, 1}:  # None: they wait for an outcome that never comes
        sys.exit(f"{mutant.promise}: pytest could not run.\n{printed}")
    return status == 0


def main() -> int:
    """Try every mutant; the status is 1 if one survives."""
    survivors = 0
    with project_copy() as copy:
        for mutant in MUTANTS:
            alive = survives(mutant, copy)
            survivors += alive
            print(f"{'SURVIVES' if alive else 'caught  '}  {mutant.promise}", flush=True)
    print(f"{len(MUTANTS) - survivors} passed, {survivors} failed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
