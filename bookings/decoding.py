"""What is encrypted in Temporal's own messages, which its client hands out as they are."""

import json
from collections.abc import Iterable, Iterator

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.converter import DataConverter

from shared import OUTCOME_MEMO


async def decrypt(
    converter: DataConverter, events: Iterable[HistoryEvent], pending: Iterable[PendingActivityInfo]
) -> None:
    """Decrypt in place the failures and the outcomes that a booking is read from.

    Raises:
        MissingKey: They were encrypted with an unknown key.
    """
    codec = converter.payload_codec
    if codec is None:
        return
    for failure in failures(events, pending):
        await codec.decode_failure(failure)
        restore_messages(failure)
    for outcome in outcomes(events):
        [decrypted] = await codec.decode([outcome])
        outcome.CopyFrom(decrypted)


def failures(
    events: Iterable[HistoryEvent], pending: Iterable[PendingActivityInfo]
) -> Iterator[Failure]:
    """The failures of activities."""
    for event in events:
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                yield event.activity_task_started_event_attributes.last_failure
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                yield event.activity_task_failed_event_attributes.failure
            case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                yield event.activity_task_timed_out_event_attributes.failure
    for activity in pending:
        if activity.HasField("last_failure"):
            yield activity.last_failure


def outcomes(events: Iterable[HistoryEvent]) -> Iterator[Payload]:
    """The outcomes so far that a workflow has published."""
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
            memo = event.workflow_properties_modified_event_attributes.upserted_memo.fields
            if OUTCOME_MEMO in memo:
                yield memo[OUTCOME_MEMO]


def restore_messages(failure: Failure) -> None:
    """Put back the messages of a failure and of its causes, as the SDK's converter does."""
    if failure.HasField("encoded_attributes"):
        failure.message = json.loads(failure.encoded_attributes.data)["message"]
    if failure.HasField("cause"):
        restore_messages(failure.cause)
