"""A world for each test of the saga."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.saga.world import World


@pytest.fixture
def world(client: Client, tmp_path: Path) -> Iterator[World]:
    world = World(client, tmp_path)
    yield world
    world.close()
