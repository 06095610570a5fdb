"""How the tests visit: pages that are watched, and what can be done and seen on them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
)

from tools.helpers.processes import ROOT

NewPage = Callable[..., Page]

SCREENSHOTS = ROOT / "screenshots"

DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}


class Visits:
    """Opens pages, and keeps what goes wrong on them."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._contexts: list[BrowserContext] = []
        self._problems: list[str] = []

    def new_page(self, tolerate: str = "nothing", **options: Any) -> Page:
        """Open an empty page.

        Args:
            tolerate: The pattern of console errors that the test provokes.
            options: Options of its browser context.
        """
        context = self._browser.new_context(
            base_url=self._url, **{"viewport": DESKTOP, "reduced_motion": "reduce", **options}
        )
        self._contexts.append(context)

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not re.search(tolerate, message.text):
                self._problems.append(message.text)

        def on_request(request: Request) -> None:
            if not request.url.startswith(f"{self._url}/"):
                self._problems.append(f"a request to {request.url}")

        context.on("console", on_console)
        context.on("weberror", lambda error: self._problems.append(str(error.error)))
        context.on("request", on_request)
        return context.new_page()

    def end(self) -> None:
        """Close all pages; fail if one had a problem."""
        for context in self._contexts:
            context.close()
        assert not self._problems, self._problems


def choose(page: Page, scenario: str) -> str:
    """Book one of the form's ready-made trips; the id of its booking."""
    page.goto("/")
    page.get_by_role("button", name=scenario).click()
    return on_booking(page)


def fill_and_book(page: Page, **fields: str) -> str:
    """Book by the form, with some of its fields filled anew; the id of the booking."""
    page.goto("/")
    for label, text in fields.items():
        page.get_by_label(label.capitalize(), exact=True).fill(text)
    page.get_by_role("button", name="Book this trip").click()
    return on_booking(page)


def on_booking(page: Page) -> str:
    """Wait until a booking's page is shown; the id of that booking."""
    # wait_for_url would fail if another click aborted the navigation that it waits for.
    expect(page).to_have_url(re.compile(r"/bookings/trip-[^/]*$"))
    return page.url.rpartition("/")[2]


def headline(page: Page, text: str, seconds: float = 15) -> None:
    """Wait for a headline."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text, timeout=seconds * 1000)


def states(page: Page) -> list[str]:
    """The words for the states of the legs, in the order of the rail."""
    return page.locator(".leg .pill").all_inner_texts()


def picture(page: Page, name: str) -> Path:
    """Keep a picture of the whole page among the screenshots."""
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path
