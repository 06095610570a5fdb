"""The guide to breaking things: what it starts runs, and what it kills is there."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.visits import on_booking
from tools.helpers.processes import Started
from tools.helpers.service import Service


def test_the_guide_starts_a_slow_trip(page: Page) -> None:
    page.goto("/try")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="A slow trip").click()
    trip = opened.value
    on_booking(trip)
    expect(trip.locator("#now")).to_have_text("Booking the car.")


def test_its_commands_find_what_they_kill(
    page: Page, site: Service, processes: dict[str, Started]
) -> None:
    page.goto("/try")
    commands = page.locator(".command code").all_inner_texts()
    patterns = [found[1] for it in commands if (found := re.search("pgrep -f '(.*)'", it))]
    assert len(patterns) == 8
    running = [command_line(process.process.pid) for process in processes.values()]
    port = site.environment["TEMPORAL_PORT"]
    running.append(f"/a/folder/temporal server start-dev --ip=127.0.0.1 --port={port} --headless")
    for pattern in patterns:
        assert any(re.search(pattern, it) for it in running), pattern
    assert all(re.search(patterns[-1], it) for it in running)


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().strip("\0").replace("\0", " ")
