"""`docs/backup.md`: a copy is made and restored by its commands, and nothing stays unexplained."""

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tools.helpers.processes import ROOT, Environment, started, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port

PAGE = (ROOT / "docs" / "backup.md").read_text()
COPY, COPY_ONE, RESTORE = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)


def run(command: str, folder: Path) -> None:
    """Run a command of the page in the folder that has `data` in it."""
    script = command.replace(".venv/bin/python", sys.executable)
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, check=True, timeout=60)


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """The whole service; at the end it is stopped as `make run` stops it."""
    environment = Environment(folder / "data")
    with ExitStack() as stack:
        command = ("-m", "local.run_temporal")
        temporal = stack.enter_context(started(environment, folder / "log", *command))
        temporal.wait_for("Temporal is ready", times=temporal.output.count("is ready") + 1)
        site = Service(stack, folder, environment)
        programs = [temporal, site.start_worker(), site.start_web()]
        yield site
        for program in reversed(programs):
            program.process.send_signal(signal.SIGTERM)
            program.status()


def operations(site: Service, *command: str) -> str:
    """What an operator's command prints."""
    program = [sys.executable, "-m", "operations", *command]
    done = subprocess.run(
        program, env=site.environment, cwd=ROOT, check=False, capture_output=True, text=True
    )
    return done.stdout


def findings(site: Service) -> list[tuple[str, str]]:
    """The kind and the booking of each finding."""
    return re.findall(r"VIOLATION \((\S+)\) (\S+)", operations(site, "audit"))


def back_up_between(folder: Path) -> tuple[str, str]:
    """A trip that was booked before the backup and cancelled after it, and one booked after it."""
    with running(folder) as site:
        before = site.book().json()["booking_id"]
    run(COPY, folder)
    with running(folder) as site:
        since = site.book().json()["booking_id"]
        site.http.post(f"/bookings/{before}/cancel")
        assert findings(site) == []
    return before, since


@pytest.mark.long
def test_temporal_is_restored_to_yesterday(tmp_path: Path) -> None:
    before, since = back_up_between(tmp_path)
    run(RESTORE, tmp_path)

    with running(tmp_path) as site:
        assert site.status(before) == "booked"
        assert site.http.get(f"/bookings/{since}").status_code == 404
        assert sorted(findings(site)) == sorted([("missing", before), ("unknown", since)] * 3)
        site.http.post(f"/bookings/{before}/cancel")
        assert "to end as booked" in operations(site, "adopt", site.held(since)[0].key)
        wait_until(lambda: site.status(since) == "booked")
        assert findings(site) == []


@pytest.mark.long
def test_a_supplier_is_restored_to_yesterday(tmp_path: Path) -> None:
    before, since = back_up_between(tmp_path)
    run(RESTORE.replace("temporal.db", "car.db"), tmp_path)

    with running(tmp_path) as site:
        report = operations(site, "audit")
        assert sorted(findings(site)) == sorted([("missing", since), ("left-over", before)])
        keys = dict(re.findall(r"(trip-[0-9a-f]+)(:[0-9a-f]+:car)", report))
        assert keys.keys() == {since, before}, "it names the key that is to be used"
        url = f"http://127.0.0.1:{free_port()}"
        site.start("-m", "suppliers", "serve", "car", "--port", url.rpartition(":")[2])
        wait_until(lambda: answers(f"{url}/healthz"))
        held = f"{url}/reservations/{since}{keys[since]}"
        again = httpx2.put(held, json={"item": "a car", "traveller": "John Doe"})
        given_back = httpx2.delete(f"{url}/reservations/{before}{keys[before]}")
        assert (again.status_code, given_back.status_code) == (201, 204)
        assert findings(site) == []
        assert len(site.held()) == 3


def answers(url: str) -> bool:
    """Whether the response of a URL is 200."""
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.mark.long
def test_a_supplier_is_copied_while_it_runs(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        booking_id = site.book().json()["booking_id"]
        run(COPY_ONE, tmp_path)
    with closing(sqlite3.connect(tmp_path / "car-backup.db")) as copy:
        [(key,)] = copy.execute("SELECT key FROM reservation").fetchall()
    assert key.startswith(booking_id)
