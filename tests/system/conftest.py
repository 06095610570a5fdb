"""A service of its own for each test: nothing of it is started yet but Temporal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.service import Service, service
from tests.temporal_server import temporal_server


@pytest.fixture
def new_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Makes a service from variables of its environment."""
    with ExitStack() as stack:

        def make(**variables: str) -> Service:
            port = stack.enter_context(temporal_server())
            return stack.enter_context(service(tmp_path, port, **variables))

        yield make
