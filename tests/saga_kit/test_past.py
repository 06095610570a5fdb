"""What the kit reads in a history."""

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from tools.saga_kit import Cancel, Case, Fault, Role, Step
from tools.saga_kit.past import Past


def history(*kinds: str) -> list[HistoryEvent]:
    """Events of these kinds, in this order; all activities are one, which began last."""
    events, began = [], 0
    for number, kind in enumerate(kinds, start=1):
        event = HistoryEvent(event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{kind}"))
        about = getattr(event, f"{kind.lower()}_event_attributes")
        about.SetInParent()
        if kind == "ACTIVITY_TASK_SCHEDULED":
            began = number
            about.activity_id = "mail"
        elif kind.startswith("ACTIVITY_TASK_"):
            about.scheduled_event_id = began
        events.append(event)
    return events


def test_a_cancel_in_the_instant_of_a_failure_counts_though_the_step_begins_anew() -> None:
    case = Case(Step("mail", role=Role.AFTER), Fault.REFUSED, Cancel.INSTANT)
    again = ("ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_COMPLETED", "WORKFLOW_EXECUTION_COMPLETED")
    failed = ("ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_FAILED")
    cancelled, task = "WORKFLOW_EXECUTION_CANCEL_REQUESTED", "WORKFLOW_TASK_COMPLETED"
    assert Past(history(*failed, cancelled, task, *again)).met_the_moment(case, [])
    assert not Past(history(*failed, task, cancelled, *again)).met_the_moment(case, [])
