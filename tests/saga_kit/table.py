"""A saga that is a table of steps, and the partners' books; see domains.py.

It is apart from the tests because the sandbox loads the module of a workflow again and again.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from saga import (
    FAILED,
    REFUSED,
    Options,
    Saga,
    Settleable,
    Step,
    Verb,
    close_as_canceled_if_asked,
)


@dataclass(frozen=True)
class Row:
    """A step: what it changes at its partner, and whether that can be undone."""

    name: str
    changes: dict[str, int]
    verb: Verb = Verb.DO
    undone: bool = True


@dataclass(frozen=True)
class Entry:
    """The input of a step and of its undo."""

    key: str
    changes: dict[str, int]


class Books:
    """What all partners have on their books: each entry once, and none after its undo."""

    def __init__(self) -> None:
        self.amounts = Counter[str]()
        self.entries: dict[str, Entry] = {}
        self.fenced: set[str] = set()

    @activity.defn
    async def do(self, entry: Entry) -> None:
        if entry.key in self.fenced:
            benign = ApplicationErrorCategory.BENIGN
            raise ApplicationError("It was undone before.", type=REFUSED, category=benign)
        if entry.key not in self.entries:
            self.entries[entry.key] = entry
            self.amounts.update(entry.changes)

    @activity.defn
    async def undo(self, entry: Entry) -> None:
        self.fenced.add(entry.key)
        if entry.key in self.entries:
            self.amounts.subtract(self.entries.pop(entry.key).changes)

    def held(self, workflow_id: str) -> list[str]:
        """The steps of a workflow that have changed something."""
        keys = (key.split(":") for key, entry in self.entries.items() if entry.changes)
        return [step for owner, step in keys if owner == workflow_id]


@workflow.defn
class Table(Settleable):
    """All rows are done, or those before the pivot are undone; true: all are done."""

    @workflow.init
    def __init__(self, rows: list[Row], options: list[Any]) -> None:
        self.saga = Saga(lambda: None, self._settled)
        self.options = Options(*options)

    @workflow.run
    async def run(self, rows: list[Row], options: list[Any]) -> bool:
        try:
            for row in rows:
                if row.verb is Verb.DO:
                    await self.saga.do(self._step(row))
                elif row.verb is Verb.PIVOT:
                    await self.saga.pivot(self._step(row))
        except FAILED:
            await self.saga.undo_all()
            close_as_canceled_if_asked()
            return False
        for row in rows:
            if row.verb is Verb.AFTER:
                await self.saga.after(self._step(row))
        return True

    def _step(self, row: Row) -> Step:
        entry = Entry(f"{workflow.info().workflow_id}:{row.name}", row.changes)
        return Step(row.name, Books.do, Books.undo if row.undone else None, entry, self.options)

    async def _settled(self, step: Step) -> None:
        """Whoever settles a step has seen to the books."""
