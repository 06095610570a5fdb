"""A shop for each test of the orders, on a server that has their search attributes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from examples.orders.__main__ import setup
from tests.orders.shop import Shop
from tests.orders.site import Site


@pytest_asyncio.fixture(scope="session")
async def order_client(client: Client) -> Client:
    await setup(client)
    return client


@pytest.fixture
def shop(order_client: Client, tmp_path: Path) -> Shop:
    return Shop(order_client, tmp_path)


@pytest.fixture
def site(order_client: Client, temporal_port: int, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path, temporal_port)
