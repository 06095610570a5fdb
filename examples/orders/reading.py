"""What became of an order so far, from what Temporal keeps of it: no worker is asked."""

from typing import Any

from temporalio.client import Client, WorkflowHandle

from examples.orders.model import OPTIONS, PARTS, OrderOutcome, Status

WORDS = {"scheduled": "in progress", "completed": "done", "cancel_requested": "settled"}
UNDO_WORDS = WORDS | {"scheduled": "being undone", "completed": "undone"}


async def steps_until(handle: WorkflowHandle[Any, Any], last: int = 0) -> dict[str, str]:
    """What history says of each step, up to its end, or to an event that is waited for."""
    steps, ids = dict.fromkeys(OPTIONS, "not attempted"), dict[int, str]()
    async for event in handle.fetch_history_events(wait_new_event=last > 0):
        if event.event_type == last:
            break
        kind = event.WhichOneof("attributes") or ""
        about = getattr(event, kind)
        ids[event.event_id] = getattr(about, "activity_id", "")
        by = ids.get(getattr(about, "scheduled_event_id", event.event_id), "")
        verb, _, step = by.partition(":")
        happened = kind.removeprefix("activity_task_").removesuffix("_event_attributes")
        if step and happened not in {"started", "canceled"}:
            steps[step] = (UNDO_WORDS if verb == "undo" else WORDS).get(happened, "failed")
    return steps


async def show(client: Client, order_id: str) -> None:
    """Show the state of an order, and of each of its steps."""
    handle = client.get_workflow_handle(order_id)
    described = await handle.describe()
    outcome = await described.memo_value("outcome", None, type_hint=OrderOutcome)
    status, steps = str(outcome.status if outcome else "running"), await steps_until(handle)
    if outcome and outcome.status in {Status.SHIPPED, Status.CANCELLED}:
        ended = {name: (outcome.steps[name].state, outcome.steps[name].reason) for name in OPTIONS}
        steps = {name: ": ".join(filter(None, words)) for name, words in ended.items()}
    elif described.close_time:
        status = "stopped from outside, and nothing undoes what it holds"
    for pending in described.raw_description.pending_activities:
        beats = await client.data_converter.decode(pending.heartbeat_details.payloads)
        words = [f"attempt {pending.attempt}", pending.last_failure.message]
        words += [f"{finished} of {len(PARTS)} parts done" for finished in beats[1:]]
        steps[pending.activity_id.partition(":")[2]] += f" ({', '.join(filter(None, words))})"
    print(f"{order_id}: {status.replace('_', ' ')}")
    if outcome and outcome.too_late:
        print("  The cancellation came too late.")
    if status == Status.NEEDS_ATTENTION:
        print("  It is still tried. If a person resolves it by other means: see `settle --help`.")
    for name, said in steps.items():
        print(f"  {name:14}{said.replace('_', ' ')}".rstrip())
