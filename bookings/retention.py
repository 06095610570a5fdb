"""What Temporal has forgotten: it keeps a booking only for a time after its end."""

from datetime import UTC, datetime, timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from bookings.names import named_at

SHORTEST = timedelta(days=1)
"""Temporal keeps nothing for less."""


async def remembered_since(client: Client) -> datetime:
    """The start of Temporal's retention period: it may have forgotten older bookings."""
    namespace = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    kept = namespace.config.workflow_execution_retention_ttl.ToTimedelta()
    return datetime.now(UTC) - kept


async def is_past(client: Client, booking_id: str) -> bool:
    """Whether an id that Temporal does not know is from before its retention period."""
    at = named_at(booking_id)
    if at is None or at > datetime.now(UTC) - SHORTEST:
        return False
    return at < await remembered_since(client)
