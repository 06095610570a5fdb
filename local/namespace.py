"""The settings of the server's namespace for which the server has no command-line option."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from bookings.search_attributes import create_missing


async def prepared(
    port: int, namespace: str, search_attributes: Mapping[str, str], retention: timedelta
) -> Client:
    """Wait until the server on this port is up, and prepare its namespace."""
    while True:
        try:
            client = await Client.connect(f"127.0.0.1:{port}", namespace=namespace)
            await prepare(client, search_attributes, retention)
        except (RuntimeError, RPCError):  # not up yet
            await asyncio.sleep(0.05)
        else:
            return client


async def prepare(
    client: Client, search_attributes: Mapping[str, str], retention: timedelta
) -> None:
    """Set how long ended bookings are kept, and add missing search attributes; safe to repeat.

    The server adds the ones on its command line only to a new state.
    """
    keep = Duration()
    keep.FromTimedelta(retention)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace,
            config=NamespaceConfig(workflow_execution_retention_ttl=keep),
        )
    )
    await create_missing(client, search_attributes)
