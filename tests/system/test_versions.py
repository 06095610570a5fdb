"""Worker versioning: bookings end on the version that they began on."""

import asyncio
from collections.abc import Callable

import pytest
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Started, wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


def start_version(site: Service, build_id: str) -> Started:
    """Start a worker of a version, and make that version the current one."""
    site.environment["TEMPORAL_WORKER_BUILD_ID"] = build_id
    worker = site.start_worker()
    wait_until(lambda: asyncio.run(made_current(site, build_id)))
    return worker


async def connect(site: Service) -> Client:
    return await Client.connect(f"127.0.0.1:{site.environment['TEMPORAL_PORT']}")


async def made_current(site: Service, build_id: str) -> bool:
    """Make a version the current one; not possible before Temporal has heard of its worker."""
    client = await connect(site)
    try:
        await client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace="default", deployment_name="bookings", build_id=build_id
            )
        )
    except RPCError:
        return False
    return True


async def version_of(site: Service, booking_id: str) -> str:
    """The build that a booking runs on."""
    description = await (await connect(site)).get_workflow_handle(booking_id).describe()
    info = description.raw_description.workflow_execution_info.versioning_info
    return info.deployment_version.build_id


def test_bookings_end_on_the_version_that_they_began_on(
    new_service: Callable[..., Service],
) -> None:
    site = new_service(TEMPORAL_DEPLOYMENT_NAME="bookings")
    site.start_web()
    start_version(site, "1.0")
    older = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: len(site.held(older)) == 1)
    start_version(site, "2.0")
    newer = site.book().json()["booking_id"]
    wait_until(lambda: site.status(older) == "booked")
    assert asyncio.run(version_of(site, older)) == "1.0"
    assert asyncio.run(version_of(site, newer)) == "2.0"
    assert len(site.held()) == 6


@pytest.mark.parametrize("only", ["TEMPORAL_DEPLOYMENT_NAME", "TEMPORAL_WORKER_BUILD_ID"])
def test_half_a_version_is_refused(new_service: Callable[..., Service], only: str) -> None:
    site = new_service(**{only: "x"})
    worker = site.start("run_worker.py")
    assert worker.status() == CONFIGURATION_ERROR
    assert "Set both" in worker.output
