"""Run Temporal's frontend by the command that follows, and prepare its namespace."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from local import children
from local.namespace import prepared
from local.run_all import until
from local.run_temporal import SEARCH_ATTRIBUTES, STOP_SECONDS, until_stopped

NAMESPACE = "default"
RETENTION = timedelta(days=30)


async def serve(command: Sequence[str], port: int) -> int:
    """Run the frontend until it ends, or this task is cancelled; return the exit status."""
    server = await children.start(command, stdout=sys.stdout.fileno())
    preparing = asyncio.create_task(prepare(port))
    try:
        return await server.wait()
    finally:
        preparing.cancel()
        await children.stop(server, STOP_SECONDS)


async def prepare(port: int) -> None:
    """Register the namespace once the frontend answers; safe to repeat."""
    await until(partial(registered, port))
    await prepared(port, NAMESPACE, SEARCH_ATTRIBUTES, RETENTION)
    print(f"The frontend is ready at 127.0.0.1:{port}", flush=True)


async def registered(port: int) -> bool:
    """Register the namespace; false if the frontend does not answer yet."""
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    request = RegisterNamespaceRequest(
        namespace=NAMESPACE, workflow_execution_retention_period=retention
    )
    with suppress(RuntimeError):
        try:
            client = await Client.connect(f"127.0.0.1:{port}")
            await client.workflow_service.register_namespace(request)
        except RPCError as error:
            return error.status is RPCStatusCode.ALREADY_EXISTS
        return True
    return False


if __name__ == "__main__":
    frontend = serve(sys.argv[1:], int(os.environ["FRONTEND_GRPC_PORT"]))
    sys.exit(asyncio.run(until_stopped(frontend)))
