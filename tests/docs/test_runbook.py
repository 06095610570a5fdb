"""`docs/runbook.md`: its commands, run on a service whose hotel has a queue of its own."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.binary import find_or_get_binary
from shared import Leg
from tests.system.test_versions import start_version, version_of
from tools.helpers.processes import ROOT, started, wait_until
from tools.helpers.service import Service

BLOCKS = re.findall(r"```bash\n(.*?)```", (ROOT / "docs/runbook.md").read_text(), re.DOTALL)
NOW = {"Prefer": "wait=0"}


def block(words: str) -> str:
    [found] = [it for it in BLOCKS if words in it]
    return str(found)


@pytest.fixture
def site(new_service: Callable[..., Service], tmp_path: Path) -> Service:
    made = new_service(HOTEL_QUEUE="hotel", UNDO_PATIENCE="1", LEG_DEADLINE="300")
    made.start_web()
    made.start_worker()
    hotel = made.environment | {"WORKER_QUEUE": "hotel"}
    environment = made.environment.__class__(Path(made.environment["DATA_DIR"]))
    environment.update(hotel)
    worker = made.stack.enter_context(started(environment, tmp_path / "hotel.log", "run_worker.py"))
    worker.wait_for("The worker waits for bookings on hotel")
    return made


def run(site: Service, script: str, **variables: str) -> str:
    """Run a block of the page, as an operator of this service would, with variables of theirs."""
    binary = find_or_get_binary()
    script = re.sub(r" *\.venv/bin/python", f" {sys.executable}", script)
    script = script.replace("http://localhost:5000", site.url)
    # For the CLI alone: our own commands know the port of the embedded server.
    address = f"TEMPORAL_ADDRESS=127.0.0.1:{site.environment['TEMPORAL_PORT']} temporal"
    script = re.sub(r"^( *)temporal", rf"\1{address}", script, flags=re.MULTILINE)
    path = f"{binary.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=site.environment | {"PATH": path} | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_supplier_that_is_down_is_called_no_more_until_it_is_back(site: Service) -> None:
    assert site.book().json()["cancelled"] is False
    run(site, block("--queue-rps-limit 0"))
    booking_id = site.book(NOW).json()["booking_id"]
    wait_until(lambda: Leg.CAR in {it.key.rpartition(":")[2] for it in site.held(booking_id)})
    assert "activity" in run(site, block("task-queue describe").replace("saga-task-queue", "hotel"))
    assert len(site.held(booking_id)) == 1
    run(site, block("--queue-rps-limit default"))
    wait_until(lambda: site.status(booking_id) == "booked")


@pytest.mark.long
def test_a_stuck_undo_is_found(site: Service) -> None:
    stuck = site.book(NOW, car="a stuck car", flight="an invalid flight").json()["booking_id"]
    wait_until(lambda: site.status(stuck) == "needs_attention")
    printed = run(site, block("operations audit"))
    assert printed.count(stuck) >= 2
    assert "No violations" in printed
    for supplier in site.suppliers.values():
        for held in supplier.held():
            supplier.release(held.key)
    run(site, block("operations settle"), booking=stuck)
    wait_until(lambda: site.status(stuck) == "cancelled")


@pytest.mark.long
def test_bookings_that_a_bug_suspended_are_found_and_go_on_after_the_fix(
    new_service: Callable[..., Service],
) -> None:
    site = new_service()
    site.start_web()
    buggy = site.start("-m", "local.break_it.buggy_worker")
    booking_id = site.book(NOW).json()["booking_id"]
    buggy.wait_for("ZeroDivisionError")
    assert booking_id in run(site, block("workflow list"))
    buggy.process.kill()
    buggy.process.wait()
    site.start_worker()
    wait_until(lambda: site.status(booking_id) == "booked", timeout=120)


@pytest.mark.long
def test_a_deployment_is_rolled_back(new_service: Callable[..., Service]) -> None:
    site = new_service(TEMPORAL_DEPLOYMENT_NAME="bookings")
    site.start_web()
    for build in ("1.0", "2.0"):
        start_version(site, build)
    newer = site.book().json()["booking_id"]
    run(site, block("set-current-version"), previous="1.0")
    older = site.book().json()["booking_id"]
    builds = [asyncio.run(version_of(site, it)) for it in (newer, older)]
    assert builds == ["2.0", "1.0"]


@pytest.mark.long
def test_the_other_commands_work(site: Service) -> None:
    for words in ("readyz", "task-queue describe"):
        assert run(site, block(words))
    assert "SERVING" in run(site, block("readyz"))
