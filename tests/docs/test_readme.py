"""The README and what it points to: each command is run, and does what the text says."""

import html
import operator
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import psutil
import pytest

from settings import Settings
from tools.helpers.processes import ROOT, Environment, Started, wait_until
from tools.helpers.service import Service

BLOCKS, OPERATING_BLOCKS = (
    re.findall(r"```bash\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    for page in ("README.md", "docs/operating.md")
)


class Reader:
    """Somebody who follows the README, on ports and a folder of their own."""

    def __init__(self, site: Service) -> None:
        self.site = site

    def runs(self, word: str) -> str:
        """Run the block that contains a word; what it prints."""
        [block] = [block for block in BLOCKS + OPERATING_BLOCKS if word in block]
        port, data = self.site.environment["PORT"], self.site.environment["DATA_DIR"]
        script = block.replace("localhost:5000", f"localhost:{port}").replace(" data/", f" {data}/")
        script = script.replace('"$(cat data/', f'"$(cat {data}/')
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=self.site.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """`make run PORT=…` has been called, and everything is ready."""
    folder = tmp_path_factory.mktemp("readme")
    environment = Environment(folder / "data")
    port = environment.pop("PORT")  # only make's argument has it, as for somebody with AirPlay
    everything = Started(["make", "run", f"PORT={port}"], environment, folder / "log")
    environment["PORT"] = port
    with ExitStack() as stack:
        stack.callback(everything.kill_all)
        everything.wait_for("Stop with Ctrl-C")
        yield Reader(Service(stack, folder, environment))


def test_the_two_commands_exist() -> None:
    assert re.findall("^make ([a-z]+)", BLOCKS[0], re.MULTILINE) == ["run", "test"]
    subprocess.run(["make", "--dry-run", "run", "test"], cwd=ROOT, check=True, capture_output=True)


def test_recover_forward(reader: Reader) -> None:
    assert '"result":"Booked car: valid-car-id' in reader.runs('"attempts": 5')


def test_recover_backward(reader: Reader) -> None:
    assert '"result":"Voyage cancelled"' in reader.runs("invalid-hotel-id")


def test_kill_a_worker_and_cancel(reader: Reader) -> None:
    printed = reader.runs("kill -9")
    assert '"status":"running"' in printed
    assert '"result":"Voyage cancelled"' in printed
    [booking_id] = set(re.findall("trip-[0-9a-f]{32}", printed))
    assert reader.site.held(booking_id) == []


def test_the_guide_kills_what_make_run_started_and_nothing_else(reader: Reader) -> None:
    """Another program is called like ours; each command hits one of ours, by its pid file."""
    script = [sys.executable, "-c", "import time; time.sleep(600)"]
    strangers = [
        subprocess.Popen([*script, *words])
        for words in (["run_worker.py"], ["run_workflow.py"], ["temporal server start-dev"])
    ]
    page = reader.site.http.get("/try").text
    commands = [html.unescape(it) for it in re.findall("<pre><code>(.*?)</code>", page)]
    pids = [pids_of(reader)]
    for command in commands:
        subprocess.run(["bash", "-euc", command], check=True)
        if "kill -9" in command:
            wait_until(lambda: not set(pids[-1]) <= set(pids_of(reader)))
            wait_until(lambda: len(pids_of(reader)) == 3 and reader.site.answers("/readyz"))
            pids.append(pids_of(reader))
    changed = [sum(map(operator.ne, *pair)) for pair in pairwise(pids)]
    assert changed == [1, 1, 1, 3], "worker, Temporal, web, all"
    assert [it.poll() for it in strangers] == [None] * 3
    for stranger in strangers:
        stranger.kill()
        stranger.wait()


def pids_of(reader: Reader) -> list[int]:
    """What the pid files name, if it runs."""
    files = (reader.site.folder / "data" / f"{name}.pid" for name in ("worker", "temporal", "web"))
    pids = [int(file.read_text()) for file in files if file.exists()]
    return [pid for pid in pids if psutil.pid_exists(pid)]


def test_look_at_the_suppliers(reader: Reader) -> None:
    printed = reader.runs("operations stock set")
    assert re.search(r"flight +Alaska Airlines 123 +40 +0 +yes", printed)
    assert "John Doe" in printed


def test_settle_a_stuck_undo(reader: Reader) -> None:
    assert "is settled" in reader.runs("operations settle")


def test_every_block_is_run_here() -> None:
    words = [
        "make run",
        '"attempts": 5',
        "invalid-hotel-id",
        "kill -9",
        "operations stock",
        "operations settle",
    ]
    blocks = BLOCKS + OPERATING_BLOCKS
    assert [word for block, word in zip(blocks, words, strict=True) if word not in block] == []


def test_every_variable_is_in_the_table() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("|")]
    named = set(re.findall("`([A-Z_]+)`", "".join(rows)))
    assert {field.upper() for field in Settings.model_fields} <= named


def test_every_room_is_in_the_table() -> None:
    page = (ROOT / "docs" / "design.md").read_text()
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("|")]
    named = set(re.findall("`([^`]+)`", "".join(rows)))
    files = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    rooms = {name + "/" * bool(rest) for name, _, rest in (file.partition("/") for file in files)}
    assert rooms - named == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 450


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_test_that_holds_a_promise_exists() -> None:
    page = (ROOT / "docs" / "promises.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page))
    assert {name for name in named if f"def {name}(" not in tests} == set()
    rows = re.findall(r"^\| ([0-9]+) \|", page, re.MULTILINE)
    assert rows == [str(number) for number in range(1, 17)]
