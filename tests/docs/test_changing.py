"""docs/changing.md, followed to the letter while a booking runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from temporalio.client import Client

from bookings.retelling import retold
from shared import Leg
from tools.helpers.processes import ROOT, started, wait_until
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import temporal_server

DIFFS = re.findall(
    r"```diff\n(.*?)```", (ROOT / "docs" / "changing.md").read_text(), flags=re.DOTALL
)
LEFT_OUT = shutil.ignore_patterns(".*", "data", "docs", "tests", "screenshots", "__pycache__")
NOW = {"Prefer": "wait=0"}


def changed_project(folder: Path) -> Path:
    """A copy of the project with both diffs applied."""
    copy = folder / "changed"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    for diff in DIFFS:
        subprocess.run(["git", "apply", "--recount"], input=diff, text=True, cwd=copy, check=True)
    return copy


def attempts(site: Service, booking_id: str, leg: Leg) -> int:
    legs = site.http.get(f"/bookings/{booking_id}").json()["legs"]
    return int({it["leg"]: it["attempts"] for it in legs}[leg])


def booked(site: Service, booking_id: str) -> None:
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3


@pytest.mark.long
async def test_a_patch_lets_bookings_from_before_end_as_they_began(
    tmp_path: Path,
) -> None:
    # On a server of its own: a worker of another test would take these bookings.
    with temporal_server() as port, service(tmp_path, port) as site:
        client = await Client.connect(f"127.0.0.1:{port}")
        site.start_web()
        worker = site.start_worker()
        older = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
        wait_until(lambda: attempts(site, older, Leg.HOTEL) == 2)  # the first is in its history
        worker.process.kill()
        program = changed_project(tmp_path) / "run_worker.py"
        with started(site.environment, tmp_path / "changed.log", program):
            booked(site, older)
            newer = site.book().json()["booking_id"]
            booked(site, newer)
            assert await checks(client, older) == 0
            assert await checks(client, newer) == 1


async def checks(client: Client, booking_id: str) -> int:
    """How many times the passport was checked for a booking."""
    history = await client.get_workflow_handle(booking_id).fetch_history()
    return sum(
        event.activity_task_scheduled_event_attributes.activity_id == "do:passport"
        for event in retold(history.events, []).events
    )


def test_the_page_has_both_diffs() -> None:
    assert [re.findall(r"\+\+\+ b/(\S+)", diff) for diff in DIFFS] == [
        ["activities.py"],
        ["saga_workflows.py"],
    ]
