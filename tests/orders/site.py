"""The orders as their users meet them: the commands, and the workers as processes."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.orders.shop import FaultyBooks
from tools.helpers.processes import ROOT, Environment, Started, started


class Site:
    """Workers and commands on one Temporal server and in one folder."""

    def __init__(self, stack: ExitStack, folder: Path, port: int) -> None:
        self.stack, self.folder = stack, folder
        self.environment = Environment(folder / "data")
        self.environment["TEMPORAL_PORT"] = str(port)
        self.stock = FaultyBooks(folder / "data" / "orders" / "stock.db", "?*")
        self.payments = FaultyBooks(folder / "data" / "orders" / "payments.db", "[A-Z][A-Z][A-Z]")

    def start(self, name: str, *command: str) -> Started:
        """Start a worker, and wait until it takes work."""
        log = self.folder / f"{name}.log"
        worker = self.stack.enter_context(
            started(self.environment, log, "-m", "examples.orders", *command)
        )
        worker.wait_for("waits for work")
        return worker

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command to its end; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "examples.orders", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == status, printed
        return printed

    def place(self, *flags: str, customer: str = "ann", wait: int = 60) -> str:
        """Place an order; what is printed: its id, if there is no wait."""
        order = "--customer", customer, "--item", "mug", "--amount", "1200"
        return self.run("place", *order, "--wait", str(wait), *flags).strip()
