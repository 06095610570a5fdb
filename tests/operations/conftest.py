"""A town for all tests of the audit; each leaves it clean."""

from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio
from temporalio.client import Client

from bookings.plugin import plugin
from settings import Settings
from tests.operations.town import Town
from tests.saga.world import World
from tools.helpers.temporal_server import temporal_server


@pytest_asyncio.fixture(scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    with temporal_server() as port:
        client = await Client.connect(f"127.0.0.1:{port}", plugins=[plugin(Settings())])
        with closing(World(client, tmp_path_factory.mktemp("town"))) as world:
            town = Town(world, port)
            async with world.worker():
                await town.booked()
                yield town
