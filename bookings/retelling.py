"""First tries as a history has them, retold as the first attempts at their activities."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from bookings.history import is_refusal
from saga import Verb

LOCAL_ACTIVITY = "core_local_activity"
"""The name that the SDK gives to the marker of a local activity."""


class LocalActivity(NamedTuple):
    """What a marker says of its local activity."""

    activity_id: str
    ended: Timestamp

    @classmethod
    def of(cls, event: HistoryEvent) -> "LocalActivity":
        """Read the marker that an event is."""
        [data] = event.marker_recorded_event_attributes.details["data"].payloads
        known = json.loads(data.data)
        ended = known["complete_time"]  # nothing, if it timed out
        return cls(known["activity_id"], Timestamp(**ended) if ended else event.event_time)


class Told(NamedTuple):
    """A history and its pending activities, as readers of both know them."""

    events: list[HistoryEvent]
    pending: list[PendingActivityInfo]


def retold(events: Iterable[HistoryEvent], pending: Iterable[PendingActivityInfo]) -> Told:
    """The history as if each first try had been the first attempt of a regular activity.

    The SDK keeps a first try in a marker, which it writes when the workflow's task has ended.
    """
    teller = Teller()
    return Told(list(teller.told(events)), [teller.counted(activity) for activity in pending])


class Teller:
    """Remembers the tries that were in vain, as each counts with the activity that follows it."""

    def __init__(self) -> None:
        self.in_vain: dict[str, HistoryEvent] = {}
        self.scheduled: dict[int, str] = {}
        self.now = Timestamp()

    def told(self, events: Iterable[HistoryEvent]) -> Iterator[HistoryEvent]:
        """The events of a history."""
        for event in events:
            if event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY:
                yield from self.first_try(event)
            else:
                yield self.later_try(event)
                self.now = event.event_time

    def first_try(self, event: HistoryEvent) -> Iterator[HistoryEvent]:
        """The events of a first try that was done or refused."""
        marker = event.marker_recorded_event_attributes
        known = LocalActivity.of(event)
        activity_id, refusal = known.activity_id, is_refusal(marker.failure)
        if marker.HasField("failure") and not (refusal and activity_id.startswith(Verb.DO)):
            self.in_vain[activity_id] = event
            return
        number, ended = -event.event_id, known.ended
        began = min(self.now, ended, key=Timestamp.ToNanoseconds)  # by two clocks
        scheduled = HistoryEvent(
            event_id=number,
            event_time=began,
            event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        )
        scheduled.activity_task_scheduled_event_attributes.activity_id = activity_id
        started = HistoryEvent(
            event_time=began, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
        )
        started.activity_task_started_event_attributes.scheduled_event_id = number
        started.activity_task_started_event_attributes.attempt = 1
        completed = HistoryEvent(event_time=ended)
        if refusal:
            completed.event_type = EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED
            failed = completed.activity_task_failed_event_attributes
            failed.scheduled_event_id = number
            failed.failure.CopyFrom(marker.failure)
        else:
            completed.event_type = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
            completed.activity_task_completed_event_attributes.scheduled_event_id = number
        yield from (scheduled, started, completed)
        self.now = ended

    def later_try(self, event: HistoryEvent) -> HistoryEvent:
        """Any other event; one of an attempt also counts the first try before it."""
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            activity_id = event.activity_task_scheduled_event_attributes.activity_id
            self.scheduled[event.event_id] = activity_id
        before = self.in_vain.get(
            self.scheduled.get(event.activity_task_started_event_attributes.scheduled_event_id, "")
        )
        if before is None:
            return event
        again = HistoryEvent()
        again.CopyFrom(event)
        started = again.activity_task_started_event_attributes
        started.attempt += 1
        if not started.HasField("last_failure"):
            started.last_failure.CopyFrom(before.marker_recorded_event_attributes.failure)
        return again

    def counted(self, activity: PendingActivityInfo) -> PendingActivityInfo:
        """A pending activity, whose attempts also count its first try."""
        before = self.in_vain.get(activity.activity_id)
        if before is None:
            return activity
        counted = PendingActivityInfo()
        counted.CopyFrom(activity)
        counted.attempt += 1
        if not counted.HasField("last_failure"):
            counted.last_failure.CopyFrom(before.marker_recorded_event_attributes.failure)
            counted.last_attempt_complete_time.CopyFrom(before.event_time)
        return counted
