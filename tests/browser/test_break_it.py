"""The page that breaks the demo, with a real `make run` behind it."""

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_every_page import look_at
from tests.browser.visits import Visits
from tools.helpers.processes import Environment, Started
from tools.helpers.service import Service

pytestmark = pytest.mark.long

AFTER_TROUBLE = 90_000
"""Milliseconds until a trip that was disturbed has ended, on a busy machine."""


class Demo:
    """`make run`, and the page that breaks it."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.site = Service(stack, folder, Environment(folder / "data"))
        self.everything: Started = self.site.start("-m", "local.run_all")
        self.everything.wait_for("Break it, by buttons")
        [self.url] = re.findall(r"buttons +(http://127.0.0.1:\d+)/", self.everything.output)
        self.everything.wait_for("The worker waits for bookings")

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """Ask the page's own process."""
        return httpx2.get(self.url + path, headers=headers)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with ExitStack() as stack:
        yield Demo(stack, tmp_path_factory.mktemp("demo"))


@pytest.fixture
def room(browser: Browser, demo: Demo) -> Iterator[Page]:
    """The room, with every part of the demo in order."""
    visits = Visits(browser, demo.url)
    page = visits.new_page(tolerate="503")  # what the room answers when a button does nothing
    page.goto("/")
    yield page
    visits.end()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def book(page: Page, name: str) -> str:
    """Book a trip by a button; its id."""
    press(page, name)
    expect(page).to_have_url(re.compile("trip=trip-"))
    return page.url.partition("trip=")[2]


def says(page: Page, column: str, text: str | re.Pattern[str], timeout: float = 30_000) -> None:
    """Wait for a text in a column."""
    expect(page.locator(f"#column-{column}")).to_contain_text(text, timeout=timeout)


def state(page: Page, lever: str, text: str | re.Pattern[str]) -> None:
    """Wait for a state beside the buttons."""
    expect(page.locator(f"#state-{lever}")).to_have_text(text)


def booked(page: Page, demo: Demo, trip: str) -> None:
    """All three columns agree that a trip is booked: once."""
    says(page, "page", "Your trip is booked", AFTER_TROUBLE)
    says(page, "temporal", "WorkflowExecutionCompleted")
    for leg in ("car", "hotel", "flight"):
        says(page, "suppliers", f"-{leg}-id, since")
    assert len(demo.site.held(trip)) == 3


def test_the_worker_is_killed(room: Page, demo: Demo) -> None:
    trip = book(room, "A slow trip")
    says(room, "suppliers", "slow-car-id, since")
    state(room, "worker", re.compile(r"runs, process \d+"))
    says(room, "temporal", "do:hotel, attempt 1 runs")  # after its first try, which is a marker
    before = room.locator("#state-worker").inner_text()
    press(room, "Kill the worker")
    expect(room.locator("#state-worker")).not_to_have_text(before)
    says(room, "temporal", re.compile(r"do:hotel, attempt 2 (runs|is due)"))
    booked(room, demo, trip)
    assert "break-it | Kill the worker" in demo.everything.output


def test_the_worker_is_frozen_and_thawed(room: Page, demo: Demo) -> None:
    press(room, "Freeze the worker")
    state(room, "worker", "frozen")
    trip = book(room, "A quick trip")
    says(room, "page", "Booking the car.")  # a task was given to it
    says(room, "suppliers", "Carnothing")
    press(room, "Thaw the worker")
    booked(room, demo, trip)


def test_temporal_is_stopped_and_started(room: Page, demo: Demo) -> None:
    trip = book(room, "A slow trip")
    says(room, "suppliers", "slow-car-id, since")
    press(room, "Stop Temporal")
    says(room, "temporal", "Temporal does not answer.")
    says(room, "page", "The booking service cannot reach Temporal.")
    state(room, "temporal", "down")
    press(room, "Cancel it")
    expect(room.locator("#notice")).to_contain_text("cannot do that now. Mend what is broken")
    says(room, "suppliers", "slow-car-id, since")
    demo.everything.wait_for("temporal ended (status 0), and stays down until it is started")
    press(room, "Start Temporal")
    booked(room, demo, trip)


def test_the_hotel_s_database_is_locked_and_unlocked(room: Page, demo: Demo) -> None:
    press(room, "Lock the hotel's database")
    state(room, "hotel", "locked")
    trip = book(room, "A quick trip")
    says(room, "page", "Booking the hotel, attempt")
    says(room, "suppliers", re.compile("valid-car-id, since .*Hotelnothing", re.DOTALL))
    press(room, "Unlock the hotel's database")
    state(room, "hotel", "free")
    booked(room, demo, trip)


def test_a_bug_is_deployed_and_then_its_fix(room: Page, demo: Demo) -> None:
    press(room, "Deploy a bug")
    state(room, "code", "has a bug")
    trip = book(room, "A quick trip")
    says(room, "page", "A bug in our software has suspended it.")
    says(room, "temporal", "ZeroDivisionError")
    assert len(demo.site.held(trip)) == 2
    press(room, "Deploy the fix")
    state(room, "code", "no bug")
    booked(room, demo, trip)


def test_a_trip_is_cancelled(room: Page, demo: Demo) -> None:
    trip = book(room, "A quick trip")
    booked(room, demo, trip)
    press(room, "Cancel it")
    says(room, "page", "Your trip was cancelled", AFTER_TROUBLE)
    says(room, "suppliers", re.compile("Carnothing.*Hotelnothing.*Flightnothing", re.DOTALL))
    assert demo.site.held(trip) == []


def test_it_works_without_javascript(browser: Browser, demo: Demo) -> None:
    visits = Visits(browser, demo.url)
    page = visits.new_page(java_script_enabled=False)
    page.goto("/")
    trip = book(page, "A quick trip")
    booked(page, demo, trip)  # it reloads itself
    press(page, "Lock the hotel's database")
    state(page, "hotel", "locked")
    assert page.url.endswith(trip)
    press(page, "Unlock the hotel's database")
    state(page, "hotel", "free")
    visits.end()


def test_it_is_for_everybody_s_eyes(room: Page, demo: Demo) -> None:
    trip = book(room, "A quick trip")
    booked(room, demo, trip)
    look_at(room, "break-it")


def test_the_guide_leads_to_it(demo: Demo) -> None:
    assert f'href="{demo.url}/"' in demo.site.http.get("/try").text


def test_another_site_breaks_nothing(demo: Demo) -> None:
    kill = f"{demo.url}/levers/kill-the-worker"
    before = demo.everything.output.count("| Kill the worker")
    for headers in (
        {},
        {"Origin": "http://evil.example"},
        {"Origin": demo.url, "Sec-Fetch-Site": "same-site"},
    ):
        assert httpx2.post(kill, headers=headers).status_code == 403
    assert demo.everything.output.count("| Kill the worker") == before


def test_another_name_shows_nothing(demo: Demo) -> None:
    port = demo.url.rpartition(":")[2]
    for host in (f"evil.example:{port}", "127.0.0.1", "localhost:5000"):
        assert demo.get("/", Host=host).status_code == 421
    assert demo.get("/", Host=f"localhost:{port}").is_success
    answer = demo.get("/", Origin="http://evil.example")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_ctrl_c_ends_what_was_broken(tmp_path: Path) -> None:
    with ExitStack() as stack:
        demo = Demo(stack, tmp_path)
        pressed: dict[str, Any] = {"headers": {"Origin": demo.url}}
        for lever in ("lock-the-hotels-database", "freeze-the-worker", "stop-temporal"):
            assert httpx2.post(f"{demo.url}/levers/{lever}", **pressed).status_code == 303
        demo.everything.wait_for("temporal ended")
        demo.everything.process.send_signal(signal.SIGINT)
        assert demo.everything.status() == 0
        assert demo.everything.pids() == []
        again = demo.site.start("-m", "local.run_all")
        again.wait_for("Stop with Ctrl-C", times=2)
        assert demo.site.book().json()["cancelled"] is False
