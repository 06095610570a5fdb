"""The result of the last audit: `operations audit` keeps it, the desk shows it."""

import logging
import os
import tempfile
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from shared import Leg

FILE = "audit.json"

logger = logging.getLogger(__name__)


class StockLine(BaseModel):
    """An item of a supplier; a capacity of None is unlimited."""

    item: str
    capacity: int | None
    taken: int
    agrees: bool


class LedgerLine(BaseModel):
    """An entry of a supplier's ledger; its note is who settled it, and how."""

    at: datetime
    key: str
    item: str
    event: str
    note: str

    @property
    def booking_id(self) -> str:
        """The booking, whose id a key begins with."""
        return self.key.partition(":")[0]


class Shelf(BaseModel):
    """What a supplier had; its stock and ledger are None where the audit cannot see them."""

    leg: Leg
    held: int
    stock: list[StockLine] | None = None
    ledger: list[LedgerLine] | None = None


class Audited(BaseModel):
    """What the last audit found, and when it ended."""

    at: datetime
    trips: int
    violations: int
    shelves: list[Shelf]

    def write(self, folder: Path) -> None:
        """Keep it in a folder, in place of the one before.

        Raises:
            OSError: The folder is missing, or nobody may write there.
        """
        handle, name = tempfile.mkstemp(prefix=FILE, dir=folder)  # for nobody else to read
        try:
            with os.fdopen(handle, "w") as file:
                file.write(self.model_dump_json())
            Path(name).replace(folder / FILE)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def last_audit(folder: Path) -> Audited | None:
    """The result that is kept in a folder; None if there is none that can be read."""
    try:
        return Audited.model_validate_json((folder / FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        logger.warning("The result of the last audit cannot be read: %s", error)
        return None
