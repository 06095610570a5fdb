"""Run Temporal's frontend by the command that follows, and prepare its namespace."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConnectConfig
from temporalio.service import RPCError, RPCStatusCode

from bookings.search_attributes import SEARCH_ATTRIBUTES
from local import children
from local.namespace import prepare
from local.run_all import until
from local.run_temporal import STOP_SECONDS, until_stopped

NAMESPACE = "default"
RETENTION = timedelta(days=30)


async def serve(command: Sequence[str], port: int) -> int:
    """Run the frontend until it ends, or this task is cancelled; return the exit status."""
    server = await children.start(command, stdout=sys.stdout.fileno())
    preparing = asyncio.create_task(say_when_ready(f"127.0.0.1:{port}"))
    try:
        return await server.wait()
    finally:
        preparing.cancel()
        await children.stop(server, STOP_SECONDS)


async def say_when_ready(address: str) -> None:
    """Print a line once the namespace is prepared."""
    await until(partial(prepared, ClientConnectConfig(target_host=address)))
    print(f"The frontend is ready at {address}", flush=True)


async def prepared(config: ClientConnectConfig) -> bool:
    """Prepare the namespace, which is safe to repeat; false if the server is not up yet."""
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    request = RegisterNamespaceRequest(
        namespace=NAMESPACE, workflow_execution_retention_period=retention
    )
    try:
        client = await Client.connect(**config)
        try:
            await client.workflow_service.register_namespace(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
        await prepare(client, SEARCH_ATTRIBUTES, RETENTION)
        # The server knows them only after a while, and refuses bookings until then.
        await client.count_workflows("Owner = 'nobody'")
    except (RuntimeError, RPCError):
        return False
    return True


if __name__ == "__main__":
    frontend = serve(sys.argv[1:], int(os.environ["FRONTEND_GRPC_PORT"]))
    sys.exit(asyncio.run(until_stopped(frontend)))
