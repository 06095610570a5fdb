"""One service for all tests of the web process."""

from collections.abc import Iterator

import pytest

from tools.helpers.service import Service, service


@pytest.fixture(scope="session")
def site(temporal_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with one worker."""
    with service(tmp_path_factory.mktemp("site"), temporal_port, UNDO_PATIENCE="1") as site:
        site.start_worker()
        site.start_web()
        yield site
