"""The worker process: runs the bookings' workflows and activities until SIGTERM or Ctrl-C."""

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.exceptions import ApplicationError
from temporalio.runtime import Runtime
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    PollerBehaviorSimpleMaximum,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerDeploymentConfig,
)

from activities import Activities, Shares
from bookings.client import connect, connect_config, let_sdk_rest, rehearses, warn_of_clear_text
from bookings.follow_ups import AlertWorkflow, NotifyWorkflow, SettleWorkflow
from bookings.notices import mail_folder
from runtime import tracing
from runtime.health import WorkerHealth, health_served
from runtime.logs import log_to_stderr
from runtime.metrics import WorkerMetrics, begin_workflow_counts, make_runtime
from saga_workflows import BookWorkflow, CancelWorkflow
from settings import Settings, give_up, take_no_arguments
from shared import TASK_QUEUE_NAME, Leg
from suppliers.alerts import staff_of
from suppliers.configured import supplier_of
from suppliers.mail import Mailer
from suppliers.rehearsal import Rehearsal

WORKFLOWS = [BookWorkflow, CancelWorkflow, NotifyWorkflow, SettleWorkflow, AlertWorkflow]

STEPS_AT_ONCE = 300
"""How many steps this process has at once: far more than run, so that those which wait a moment for
a place at their supplier keep nobody from a place at another."""

POLLERS = 50
"""How many polls for workflow tasks this process keeps waiting at Temporal."""

GRACE = timedelta(seconds=30)
"""How long running steps may take to end after SIGTERM; longer than an attempt."""

logger = logging.getLogger("worker")


def make_worker(
    client: Client,
    activities: Activities,
    task_queue: str = TASK_QUEUE_NAME,
    changes: Mapping[str, Any] | None = None,
) -> Worker:
    """A worker for bookings, to be run with `async with`; `changes` are arguments of `Worker`."""
    options: dict[str, Any] = {
        "workflows": WORKFLOWS,
        "activities": activities.all(),
        # The sandbox, which refuses code that would not replay, takes a quarter of a worker's CPU.
        # The tests run workflows in it.
        "workflow_runner": UnsandboxedWorkflowRunner(),
        "max_concurrent_activities": STEPS_AT_ONCE,
        # A workflow task that finds no poll waiting is written to the database and read again: with
        # polls that adapt to the load, three times a booking when eight clients book at once.
        "workflow_task_poller_behavior": PollerBehaviorSimpleMaximum(POLLERS),
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
        "graceful_shutdown_timeout": GRACE,
        # How long a workflow waits for the worker that knows it, which may have been killed.
        "sticky_queue_schedule_to_start_timeout": timedelta(seconds=3),
    }
    return Worker(client, task_queue=task_queue, **options | dict(changes or {}))


def deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """The version that this worker is of; None: bookings go to every worker alike.

    Bookings end on the version that they began on. Temporal gives a version no bookings before it
    is made the current one.
    """
    name, build_id = settings.temporal_deployment_name, settings.temporal_worker_build_id
    if not (name or build_id):
        return None
    if not (name and build_id):
        give_up("Set both TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID, or none of them.")
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=name, build_id=build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def share_of(settings: Settings) -> dict[str, Any]:
    """What this worker runs, and how fast: on a leg's own queue, no workflows."""
    changes: dict[str, Any] = {"max_task_queue_activities_per_second": settings.calls_per_second}
    if settings.worker_queue:
        changes["workflows"] = []
    elif settings.calls_per_second:
        give_up("CALLS_PER_SECOND needs WORKER_QUEUE: the queue of one leg, not of all.")
    return changes


def make_activities(settings: Settings, metrics: WorkerMetrics | None = None) -> Activities:
    """The activities with the suppliers and the mail server that the environment names."""
    suppliers = {leg: supplier_of(settings, leg) for leg in Leg}
    try:
        mailer = Mailer(
            settings.smtp_url, settings.mail_from, settings.public_url, mail_folder(settings)
        )
    except ValueError as error:
        give_up(f"{error}.")
    staff = staff_of(settings, mailer)
    shares = Shares(settings.calls_at_once, settings.undos_at_once, settings.notices_at_once)
    rehearsal = Rehearsal() if rehearses(settings) else None
    return Activities(suppliers, rehearsal, mailer, shares, staff, metrics)


async def connect_patiently(settings: Settings, runtime: Runtime) -> Client:
    """Connect as soon as Temporal can be reached, however long that takes."""
    while True:
        try:
            return await connect(settings, runtime=runtime)
        except RuntimeError as error:
            where = connect_config(settings)["target_host"]
            logger.warning("Temporal at %s cannot be reached; still trying. (%s)", where, error)
            await asyncio.sleep(1)


def is_news(record: logging.LogRecord) -> bool:
    """Leave out what the SDK says of attempts of which we have said it already.

    That is of a failed one, with a traceback, unless it is a bug; and of a first try that has ended
    after its time.
    """
    error = record.exc_info[1] if record.exc_info else None
    is_late = "untracked local activity" in record.getMessage()
    return not (isinstance(error, ApplicationError) or is_late)


async def main() -> None:
    """Run a worker until SIGTERM or SIGINT; running steps are finished first."""
    os.umask(0o077)  # the suppliers' files hold travellers' names
    settings = Settings.load()
    log_to_stderr(settings.log_format)
    tracing.begin(settings, "trips-worker")
    for logger_of_sdk in (activity.logger.base_logger, logging.getLogger("temporalio")):
        logger_of_sdk.addFilter(is_news)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)

    warn_of_clear_text(settings)
    runtime = make_runtime("WORKER_METRICS_ADDRESS", settings.worker_metrics_address)
    activities = make_activities(settings, WorkerMetrics(runtime.metric_meter))
    changes = {"deployment_config": deployment(settings)} | share_of(settings)
    health = WorkerHealth(stop)
    async with health_served(settings.worker_health_address, health):
        connecting = asyncio.create_task(connect_patiently(settings, runtime))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([connecting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            queue, client = settings.worker_queue or TASK_QUEUE_NAME, connecting.result()
            if not settings.worker_queue:
                begin_workflow_counts(runtime.metric_meter, client.namespace, queue)
            async with make_worker(client, activities, queue, changes) as health.worker:
                logger.info("The worker waits for bookings on %s.", queue)
                await stopping
        connecting.cancel()
    logger.info("The worker has finished its steps and stops.")
    await let_sdk_rest()


if __name__ == "__main__":
    take_no_arguments(__doc__)
    asyncio.run(main())
