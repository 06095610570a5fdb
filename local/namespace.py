"""The settings of the server's namespace for which the server has no command-line option."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError


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
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: _indexed(kind)
        for name, kind in search_attributes.items()
        if name not in known.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


def _indexed(kind: str) -> IndexedValueType.ValueType:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind)
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{words.upper()}")
