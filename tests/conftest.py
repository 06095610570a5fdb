"""What every test may use."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from bookings.plugin import plugin
from settings import Settings
from tools.helpers.postgres import find_postgres, postgres_server
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import temporal_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first what waits most, or one process would be left waiting at the end."""
    items.sort(key=lambda item: item.path.parent.name not in {"web", "system"})


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database on a PostgreSQL server that lasts as long as the tests."""
    if find_postgres() is None and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def temporal_port() -> Iterator[int]:
    """The port of a Temporal server, tuned as ours is, that lasts as long as the tests."""
    with temporal_server() as port:
        yield port


@pytest_asyncio.fixture(scope="session")
async def client(temporal_port: int) -> AsyncIterator[Client]:
    """A client of that server."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(100))
    yield await Client.connect(f"127.0.0.1:{temporal_port}", plugins=[plugin(Settings())])


@pytest.fixture
def new_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Makes a service from variables of its environment; only its Temporal is started yet."""
    with ExitStack() as stack:

        def make(**variables: str) -> Service:
            port = stack.enter_context(temporal_server())
            return stack.enter_context(service(tmp_path, port, **variables))

        yield make
