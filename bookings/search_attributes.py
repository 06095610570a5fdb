"""The search attributes that bookings are filtered and found by."""

import re
from collections.abc import Mapping

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from bookings.calls import AWAY
from bookings.search import search_words, traveller_value
from shared import (
    BOOKING_STATUS,
    OWNER,
    SEARCH_WORDS,
    TRAVELLER,
    BookVacationInput,
    Status,
)

SEARCH_ATTRIBUTES = {
    BOOKING_STATUS.name: "Keyword",
    TRAVELLER.name: "Keyword",
    OWNER.name: "Keyword",
    SEARCH_WORDS.name: "KeywordList",
}
"""Their names, and their types as Temporal's tools call them."""


def search_attributes(
    trip: BookVacationInput, status: Status, key: bytes = b""
) -> TypedSearchAttributes:
    """What lists filter bookings by; the workflow keeps the status up to date."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(BOOKING_STATUS, status.value),
            SearchAttributePair(TRAVELLER, traveller_value(trip, key)),
            SearchAttributePair(OWNER, trip.owner),
            SearchAttributePair(SEARCH_WORDS, search_words(trip, key)),
        ]
    )


async def has_search_attributes(client: Client) -> bool:
    """Whether the server has all of them, without which nothing can be searched or filtered.

    Raises:
        RPCError: Temporal is away.
    """
    try:
        return not await missing(client, SEARCH_ATTRIBUTES)
    except RPCError as error:
        if error.status in AWAY:
            raise
        return False  # not every client has permission to ask


async def create_missing(client: Client, wanted: Mapping[str, str]) -> list[str]:
    """Create those that the namespace lacks, and return their names; safe to repeat.

    Args:
        client: A client of the server.
        wanted: Names and types.

    Raises:
        RPCError: Temporal is away, or does not let us.
    """
    lacks = {name: _indexed(wanted[name]) for name in await missing(client, wanted)}
    if lacks:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=lacks)
        )
    return list(lacks)


async def missing(client: Client, wanted: Mapping[str, str]) -> list[str]:
    """The names of those that the namespace lacks.

    Raises:
        RPCError: Temporal is away, or does not tell us.
    """
    asked = ListSearchAttributesRequest(namespace=client.namespace)
    known = await client.operator_service.list_search_attributes(asked)
    return [name for name in wanted if name not in known.custom_attributes]


def _indexed(kind: str) -> IndexedValueType.ValueType:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind)
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{words.upper()}")
