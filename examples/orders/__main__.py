"""Place orders, see what becomes of them, and run their workers."""

import asyncio
import logging
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.api.enums.v1 import EventType
from temporalio.api.enums.v1 import IndexedValueType as Kind
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError as NoWorkerError
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from examples.orders.activities import LIMIT, Activities
from examples.orders.model import PAYMENTS_QUEUE, QUEUE, SEARCHABLE, Order
from examples.orders.reading import show, steps_until
from examples.orders.workflows import FollowUpWorkflow, OrderWorkflow
from saga import Settlement

ME = "python -m examples.orders"
DATABASES = Path(os.environ.get("DATA_DIR") or "data") / "orders"
HINTS = {
    RPCStatusCode.NOT_FOUND: f"There is no such order, or it has ended. See: {ME} show <order id>",
    RPCStatusCode.INVALID_ARGUMENT: f"To make missing search attributes: {ME} setup",
}


async def worker(client: Client, at_once: int) -> None:
    """Run a worker for all but the payments."""
    a = Activities(DATABASES)
    activities = [a.reserve, a.release, a.confirm, a.ship, a.notify]
    workflows = [OrderWorkflow, FollowUpWorkflow]
    await _work(client, QUEUE, at_once, activities=activities, workflows=workflows)


async def payments(client: Client, at_once: int, per_second: float) -> None:
    """Run a worker for payments; the rate is for all such workers together."""
    a = Activities(DATABASES)
    # The queue keeps the rate; eager activities would go round it, and need a workflow on it.
    rate = {"max_task_queue_activities_per_second": per_second}
    await _work(client, PAYMENTS_QUEUE, at_once, activities=[a.charge, a.refund], **rate)


async def _work(client: Client, queue: str, at_once: int, **options: Any) -> None:
    logging.basicConfig(level=logging.INFO)
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with Worker(
        client,
        task_queue=queue,
        max_concurrent_activities=at_once,
        activity_executor=ThreadPoolExecutor(at_once),
        graceful_shutdown_timeout=timedelta(seconds=30),
        # How long an order waits for the worker that knows it, which may have been killed.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=3),
        **options,
    ):
        print(f"Worker {os.getpid()} waits for work on {queue}.", flush=True)
        await stop.wait()


async def setup(client: Client) -> None:
    """Make the search attributes of orders, if they are missing."""
    kinds = {key.name: Kind.ValueType(key.indexed_value_type) for key in SEARCHABLE}
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
    await client.operator_service.add_search_attributes(request)
    print("Orders can be found by", ", ".join(kinds))


async def place(client: Client, wait: float, rehearse: str, **fields: Any) -> None:
    """Place an order, wait a while for its end, and show the outcome."""
    faults = dict(fault.split("=") for fault in rehearse.split(",") if fault)
    order = Order(f"order-{uuid4().hex}", rehearse=faults, **fields)
    handle = await client.start_workflow(
        OrderWorkflow.run,
        order,
        id=order.order_id,
        task_queue=QUEUE,
        search_attributes=order.search_attributes(),
    )
    print(order.order_id, flush=True)
    if wait:
        with suppress(
            TimeoutError, WorkflowFailureError
        ):  # it is still running, or closed as Canceled
            await asyncio.wait_for(handle.result(), wait)
        await show(client, order.order_id)


async def cancel(client: Client, order_id: str) -> None:
    """Have an order undo what it did, unless the confirmation of its stock came first."""
    handle = client.get_workflow_handle(order_id)
    try:
        await handle.cancel()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended, and its history says how
            raise
    asked = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
    steps = await steps_until(handle, asked)
    if steps["confirmation"] in {"not attempted", "failed"} or "undo" in steps["payment"]:
        print("It is cancelled: what it did is undone.")
    else:
        print("Too late: its stock is confirmed, or being confirmed.")
    await show(client, order_id)


async def settle(
    client: Client, order_id: str, step: str, by: str, note: str, not_done: bool
) -> None:
    """End the attempts at a step that a person has resolved by other means."""
    handle = client.get_workflow_handle(order_id)
    settlement, patience = Settlement(step, by, note, not not_done), timedelta(seconds=10)
    await handle.execute_update(OrderWorkflow.settle, settlement, rpc_timeout=patience)
    print(f"The {step} is settled.")


async def stock(_: Client, item: str, capacity: int) -> None:
    """Say how many there are of an item, with those that are taken."""
    Activities(DATABASES).stock.run(LIMIT, item, capacity)
    print(f"There are {capacity} of {item}, with those that are taken.")


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog=ME, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(run: Callable[..., Any], *words: str, **flags: Any) -> None:
        """Add a command; a flag is required if it has a type instead of a default."""
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
        for word in words:
            command.add_argument(word, type=int if word == "capacity" else str)
        for flag, it in flags.items():
            kind, default = (it, None) if isinstance(it, type) else (type(it), it)
            how: Any = {"action": "store_true"} if kind is bool else {"type": kind}
            name = "--" + flag.replace("_", "-")
            command.add_argument(name, default=default, required=default is None, **how)

    add(worker, at_once=100)
    add(payments, at_once=5, per_second=10.0)
    add(setup)
    order = {"customer": str, "item": str, "amount": int, "currency": "EUR", "quantity": 1}
    add(place, **order, rehearse="", wait=30.0)
    add(show, "order_id")
    add(cancel, "order_id")
    add(settle, "order_id", "step", by=str, note=str, not_done=False)
    add(stock, "item", "capacity")
    return parser.parse_args()


async def main() -> str | None:
    """Carry out a command; what went wrong, and what to do about it, is returned."""
    given = vars(arguments())
    run = given.pop("run")
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", f"127.0.0.1:{os.environ.get('TEMPORAL_PORT') or 7233}")
    try:
        await run(await Client.connect(**config), **given)
    except RuntimeError as error:
        return f"Temporal at {config['target_host']} cannot be reached; try: make run ({error})"
    except RPCError as error:
        return f"{str(error).rstrip('.')}. {HINTS.get(error.status, '')}"
    except NoWorkerError:
        return f"No worker has answered. Start one, and try again: {ME} worker"
    except WorkflowUpdateFailedError as error:
        return f"{error.cause} See: {ME} show {given['order_id']}"
    except ApplicationError:  # of the only rule that a capacity can break
        return "More of it is taken already. Set at least that."
    finally:
        await asyncio.sleep(0.25)  # a quicker exit may crash: sdk-python issue 300
    return None


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
