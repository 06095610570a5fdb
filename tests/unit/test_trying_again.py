"""Trying an undo again at once, over a fake of a server that is too old for it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bookings.errors import CannotRetry
from bookings.settling import try_again
from shared import Leg


async def unknown_method(_: Any) -> None:
    raise RPCError("unknown method ResetActivity", RPCStatusCode.UNIMPLEMENTED, b"")


async def test_a_server_without_it_is_not_said_to_be_away() -> None:
    server = SimpleNamespace(reset_activity=unknown_method)
    client = SimpleNamespace(namespace="default", workflow_service=server)
    with pytest.raises(CannotRetry, match="Wait for the next attempt"):
        await try_again(cast(Client, client), "trip-1", Leg.CAR)
