"""What an order does in the world: in the stock and in the payments, which share no database."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from examples.orders.model import PARTS, Order
from saga import REFUSED

RULES = Path(__file__).with_name("books.sql").read_text()
WRITE = """INSERT INTO ledger (key, event, amount, unit, note)
    SELECT ?1, ?2, coalesce(max(amount), ?3), coalesce(max(unit), ?4), ?5
    FROM ledger WHERE key = ?1 AND event = 'taken' ON CONFLICT DO NOTHING"""
LIMIT = """INSERT INTO total (unit, capacity) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET capacity = excluded.capacity"""
BENIGN = ApplicationErrorCategory.BENIGN  # no traceback in the log for what is foreseen


class Books:
    """A SQLite file with a ledger; its rules are in books.sql."""

    def __init__(self, file: Path, unit: str) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as db:
            db.executescript(RULES.replace("{unit}", unit))

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement; what breaks a rule is refused for good."""
        # It waits for its turn for less long than a heartbeat may be late.
        with closing(sqlite3.connect(self.file, timeout=2, isolation_level=None)) as db:
            try:
                return db.execute(statement, values).fetchall()
            except sqlite3.IntegrityError as error:
                reason = str(error).removeprefix("CHECK constraint failed: ")
                raise ApplicationError(reason, type=REFUSED, category=BENIGN) from error

    def write(self, it: Order, step: str, event: str, amount: int = 0, unit: str = "") -> None:
        """Write an event into the ledger, once; after the first, it is about what was taken."""
        with rehearsed(it):
            self.run(WRITE, it.key(step), event, amount, unit, it.note)


class Activities:
    """The activities of both pools of workers."""

    def __init__(self, folder: Path) -> None:
        self.stock = Books(folder / "stock.db", "?*")
        self.payments = Books(folder / "payments.db", "[A-Z][A-Z][A-Z]")

    @activity.defn
    def reserve(self, it: Order) -> None:
        """Reserve the stock."""
        self.stock.write(it, "stock", "taken", it.quantity, it.item)

    @activity.defn
    def release(self, it: Order) -> None:
        """Undo the reservation, and have a late one refused."""
        self.stock.write(it, "stock", "given back")

    @activity.defn
    def charge(self, it: Order) -> None:
        """Charge the payment."""
        self.payments.write(it, "payment", "taken", it.amount, it.currency)

    @activity.defn
    def refund(self, it: Order) -> None:
        """Undo the charge, and have a late one refused."""
        self.payments.write(it, "payment", "given back")

    @activity.defn
    def confirm(self, it: Order) -> None:
        """Confirm the reservation."""
        self.stock.write(it, "stock", "confirmed")

    @activity.defn
    def ship(self, it: Order) -> None:
        """Ship part by part; the ledger knows which are done, even if heartbeats were lost."""
        events = self.stock.run("SELECT event FROM ledger WHERE key = ?", it.key("stock"))
        parts = [part for part in PARTS if (part,) not in events]
        for finished, part in enumerate(parts, len(PARTS) - len(parts)):
            pause(it.part_seconds, finished)
            self.stock.write(it, "stock", part)
            activity.logger.info("%s: %s", it.order_id, part)

    @activity.defn
    def notify(self, it: Order) -> None:
        """Notify the customer; the log stands in for a mail server."""
        with rehearsed(it):
            activity.logger.info("%s: %s is %s", it.customer, it.order_id, it.note)


def pause(seconds: float, *progress: int) -> None:
    """Let time pass, with heartbeats that hold the number of the attempt, and the progress."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        activity.heartbeat(activity.info().attempt, *progress)
        time.sleep(min(left, 0.5))


@contextmanager
def rehearsed(it: Order) -> Iterator[None]:
    """Play the fault that an order names for this activity, if any, around what it does."""
    name, attempt = activity.info().activity_type, activity.info().attempt
    fault = it.rehearse.get(name)
    if fault == "refused":
        raise ApplicationError(f"The {name} was refused.", type=REFUSED, category=BENIGN)
    if fault == "down":
        raise ApplicationError(f"The {name} service is down.", category=BENIGN)
    if fault == "slow":
        pause(it.slow_seconds)
    yield
    if fault == "lost" and attempt < 8:  # which takes longer than the saga is patient
        raise ApplicationError(f"The {name} service did not answer.", category=BENIGN)
