"""What a workflow's history says: its steps, the moments, and the story in words."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio.api.history.v1 import HistoryEvent

from .cases import Cancel, Case

ENDS = {
    "completed": "is done",
    "failed": "fails for good",
    "timed_out": "is given up: timed out",
    "canceled": "is cancelled",
}


class Names:
    """Names for the activities of one workflow, the same in its history and at its attempts."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}

    def of(self, activity_type: str, activity_id: str) -> str:
        """The id that the workflow gave it; or its type, with a number from the second one on."""
        if not activity_id.isdecimal():
            return activity_id
        ids = self._ids.setdefault(activity_type, [])
        if activity_id not in ids:
            ids.append(activity_id)
        number = ids.index(activity_id) + 1
        return activity_type if number == 1 else f"{activity_type}#{number}"


class Past:
    """A history, read once: event numbers by activity, and lines for people."""

    def __init__(self, events: Iterable[HistoryEvent]) -> None:
        self.scheduled: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.done: set[str] = set()
        self.tasks: list[int] = []
        self.cancelled: int | None = None
        self.closed_as: str | None = None
        self.lines: list[tuple[datetime, str]] = []
        names, by_event, tried = Names(), dict[int, str](), set[str]()
        for event in events:
            attributes: str = event.WhichOneof("attributes") or ""
            about = getattr(event, attributes)
            kind, number = attributes.removesuffix("_event_attributes"), event.event_id
            end = kind.removeprefix("activity_task_")
            if kind == "activity_task_scheduled":
                name = names.of(about.activity_type.name, about.activity_id)
                by_event[number] = name
                self.scheduled.setdefault(name, number)
                if name in tried:  # as a local activity, in vain
                    self.ended.pop(name, None)
                self._tell(event, f"{name} begins")
            elif kind == "marker_recorded" and about.marker_name == "core_local_activity":
                local = json.loads(about.details["data"].payloads[0].data)
                name = names.of(local["activity_type"], local["activity_id"])
                tried.add(name)
                failed = about.HasField("failure")
                self.scheduled.setdefault(name, number)
                self.ended.setdefault(name, number)
                self.done |= set() if failed else {name}
                end = "failed" if failed else "completed"
                self._tell(event, f"{name} (local) {ENDS[end]}{_because(about)}")
            elif kind != end and end in ENDS:
                name = by_event[about.scheduled_event_id]
                self.ended.setdefault(name, number)  # it may begin anew after that
                self.done |= {name} if end == "completed" else set()
                self._tell(event, f"{name} {ENDS[end]}{_because(about)}")
            elif kind == "workflow_task_completed":
                self.tasks.append(number)
            elif kind == "workflow_task_failed":
                self._tell(event, f"the workflow's code fails{_because(about)}")
            elif kind == "workflow_execution_cancel_requested":
                self.cancelled = number
                self._tell(event, "a cancellation is asked for")
            elif kind.startswith("workflow_execution_") and kind.endswith(
                ("completed", "failed", "canceled", "terminated", "timed_out", "continued_as_new")
            ):
                self.closed_as = kind.removeprefix("workflow_execution_").replace("_", " ")
                self._tell(event, f"the workflow ends as {self.closed_as}{_because(about)}")

    def _tell(self, event: HistoryEvent, words: str) -> None:
        self.lines.append((event.event_time.ToDatetime(UTC), words))

    def has_reacted(self, but: str | None) -> bool:
        """Whether the workflow has seen its cancellation, and waits for nothing `but` one thing."""
        seen = self.cancelled is not None and any(task > self.cancelled for task in self.tasks)
        return self.closed_as is not None or (
            seen and set(self.scheduled) - {but} <= set(self.ended)
        )

    def met_the_moment(self, case: Case, undos: Iterable[str]) -> bool:
        """Whether the cancellation came at the moment that the case says."""
        step, at = case.step.name, self.cancelled
        if case.cancel is Cancel.NEVER or at is None:
            return case.cancel is Cancel.NEVER
        began, ended = self.scheduled.get(step, math.inf), self.ended.get(step, math.inf)
        match case.cancel:
            case Cancel.BEFORE:
                return at < began
            case Cancel.IN_FLIGHT:
                return began < at < ended
            case Cancel.INSTANT:
                return ended < at and not any(ended < task < at for task in self.tasks)
        return any(
            self.scheduled.get(undo, math.inf) < at < self.ended.get(undo, math.inf)
            for undo in undos
        )

    def story(self, notes: Sequence[tuple[datetime, str]]) -> str:
        """What happened, line by line, with what the kit did."""
        return "\n".join(f"{at:%T.%f}"[:12] + f"  {it}" for at, it in sorted([*self.lines, *notes]))


def _because(about: Any) -> str:
    failure = getattr(about, "failure", None)
    while failure and failure.HasField("cause"):
        failure = failure.cause
    return f": {failure.message}" if failure and failure.message else ""
