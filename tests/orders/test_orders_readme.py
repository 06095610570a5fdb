"""The orders' README: each of its commands is run, and shows what it says."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from temporalio.client import Client

from local.binary import find_or_get_binary
from tests.orders.shop import SHIPPED
from tests.orders.site import Site
from tools.helpers.processes import ROOT, Started, wait_until

README = (ROOT / "examples" / "orders" / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
pytestmark = pytest.mark.long  # as people do it: slow on purpose

WORKER = r"python -m examples.orders ((?:worker|payments).*)\n"


class Reader:
    """Somebody who follows the README, with the shell's commands at hand."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.environment = {
            **site.environment,
            "PATH": f"{Path(sys.executable).parent}:{site.folder}:{os.environ['PATH']}",
            "TEMPORAL_ADDRESS": f"127.0.0.1:{site.environment['TEMPORAL_PORT']}",
        }
        (site.folder / "temporal").symlink_to(find_or_get_binary())
        self.workers: list[Started] = []

    def runs(self, words: str) -> str:
        """Run the block with these words, and start its workers; what it prints."""
        [block] = [block for block in BLOCKS if words in block]
        script = re.sub(WORKER, "", block).replace("make run\nsource .venv/bin/activate\n", "")
        if self.workers:
            script = script.replace("<process id>", str(self.workers[-1].process.pid))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for command in re.findall(WORKER, block):
            worker = self.site.start(f"worker-{len(self.workers)}", *command.split())
            self.workers.insert(-1 if "payments" in command else len(self.workers), worker)
        return done.stdout

    def becomes(self, printed: str, status: str) -> None:
        """Wait until the last order that was printed has a status."""
        order = last_order(printed)
        wait_until(lambda: f"{order}: {status}" in self.site.run("show", order), 60)


@pytest.fixture(scope="module")
def reader(
    order_client: Client, temporal_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    with ExitStack() as stack:
        reader = Reader(Site(stack, tmp_path_factory.mktemp("readme"), temporal_port))
        reader.runs("setup")
        yield reader


def test_an_order(reader: Reader) -> None:
    printed = reader.runs("--amount 1200\n")
    assert re.search(r": shipped\n +stock +done\n +payment +done\n", printed)


def test_payment_refused(reader: Reader) -> None:
    printed = reader.runs("charge=refused")
    assert ": cancelled\n  stock         undone: The charge was refused." in printed


def test_sold_out(reader: Reader) -> None:
    printed = reader.runs("stock cup 0")
    assert "stock         refused: It is sold out.\n  payment       not attempted" in printed


def test_confirmation_unknown_for_a_while(reader: Reader) -> None:
    printed = reader.runs("confirm=lost")
    assert re.search(r": shipped\n +stock +done\n +payment +done\n +confirmation +done", printed)


def test_confirmation_settled(reader: Reader) -> None:
    printed = reader.runs("confirm=down")
    assert "needs attention" in printed
    assert "The confirmation is settled." in printed
    reader.becomes(printed, "shipped")


def test_cancel_before_and_after(reader: Reader) -> None:
    printed = reader.runs("confirm=slow")
    before, _, after = printed.partition("Too late")
    assert "what it did is undone" in before
    reader.becomes(before, "cancelled")
    reader.becomes(after, "shipped")


def test_notification_down(reader: Reader) -> None:
    printed = reader.runs("notify=down")
    assert ": shipped\n" in printed
    assert f"{last_order(printed.partition(':')[0])}/notify" in printed


def test_worker_killed(reader: Reader) -> None:
    printed = reader.runs("kill -9")
    assert reader.workers[-2].process.wait(10) == -signal.SIGKILL
    reader.becomes(printed, "shipped")
    assert reader.site.stock.events(last_order(printed)) == SHIPPED


def test_failed_orders(reader: Reader) -> None:
    refused = reader.site.place("--rehearse", "charge=refused")
    of_bob = reader.site.place("--rehearse", "charge=refused", customer="bob")
    cancelled = reader.site.place("--rehearse", "charge=slow", wait=0)
    reader.site.run("cancel", cancelled)
    reader.becomes(cancelled, "cancelled")
    shipped = reader.site.place()
    wait_until(lambda: last_order(refused) in reader.runs("OrderCustomer = 'ann'"))
    listed = reader.runs("OrderCustomer = 'ann'")
    assert not {last_order(it) for it in (of_bob, cancelled, shipped)} & set(orders(listed))


def orders(printed: str) -> list[str]:
    """The ids of the orders in what was printed."""
    return re.findall("order-[0-9a-f]{32}", printed)


def last_order(printed: str) -> str:
    return orders(printed)[-1]


def test_every_block_is_run_here() -> None:
    words = [
        "setup",
        "--amount 1200\n",
        "charge=refused",
        "stock cup 0",
        "confirm=lost",
        "confirm=down",
        "confirm=slow",
        "notify=down",
        "kill -9",
        "OrderCustomer = 'ann'",
    ]
    assert [word for block, word in zip(BLOCKS, words, strict=True) if word not in block] == []


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert [link for link in links if not (ROOT / "examples" / "orders" / link).exists()] == []


def test_it_uses_nothing_of_the_trips() -> None:
    code = "".join(file.read_text() for file in (ROOT / "examples" / "orders").glob("*.py"))
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", code, re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"examples", "saga", "temporalio"}
