"""A real Chromium, and a whole running system of its own: web process, worker and Temporal."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from shared import Leg
from suppliers.rehearsal import SOLD_OUT_FLIGHT
from tests.browser.visits import NewPage, Visits
from tools.helpers.processes import Started
from tools.helpers.service import Service, service
from tools.helpers.temporal_server import temporal_server

expect.set_options(timeout=20_000)  # a busy machine is slow

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

QUIET = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    found = [path for path in map(shutil.which, CHROMIUMS) if path]
    if not found:
        words = "no Chromium is found (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return found[0]


# The tests' other folders run tests on an event loop; playwright leaves one running in this
# thread for as long as it is open, so that it must be closed with each module.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=QUIET) as browser,
    ):
        yield browser


@pytest.fixture(scope="session")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a Temporal server of its own, as all workers have the same task queue."""
    folder = tmp_path_factory.mktemp("browser")
    with temporal_server() as port, service(folder, port, UNDO_PATIENCE="1") as site:
        site.suppliers[Leg.FLIGHT].set_stock(SOLD_OUT_FLIGHT, 0)
        yield site


@pytest.fixture(scope="session")
def processes(site: Service) -> dict[str, Started]:
    """The running `worker` and `web` process; a test that ends one starts another in its place."""
    return {"worker": site.start_worker(), "web": site.start_web()}


@pytest.fixture
def new_page(browser: Browser, site: Service, processes: dict[str, Started]) -> Iterator[NewPage]:
    """Opens pages, each in a context of its own; at the end none may have had a problem."""
    visits = Visits(browser, site.url)
    yield visits.new_page
    visits.end()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """An empty page of a desktop's size."""
    return new_page()
