"""Every page: for everybody's eyes, ears and devices, light, and with nothing from elsewhere.

`README_PICTURES=1` writes the README's two pictures, `docs/form.png` and `docs/booking.png`.
"""

import os
import shutil
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, Response

from tests.browser.visits import DESKTOP, PHONE, SCREENSHOTS, NewPage, picture
from tools.helpers.processes import ROOT, Started, wait_until
from tools.helpers.service import Service

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

README = {"form": "form.png", "cancelled": "booking.png"}

SIZES = {"phone": PHONE, "desktop": DESKTOP}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

NOW = {"Prefer": "wait=0"}


@pytest.fixture(scope="module")
def addresses(site: Service, processes: dict[str, Started]) -> dict[str, str]:
    """The address of every page, by its name; one of a booking for each status."""
    trips = {
        "booked": site.book(),
        "cancelled": site.book(
            car="small-car", hotel="city-hotel", flight="sold-out-flight-id", attempts=2
        ),
        "needs_attention": site.book(NOW, car="stuck-car-id", hotel="invalid-hotel-id"),
        "running": site.book(NOW, attempts=10),
    }
    ids = {status: answer.json()["booking_id"] for status, answer in trips.items()}
    wait_until(lambda: all(site.status(it) == status for status, it in ids.items()))
    bookings = {status: f"/bookings/{it}" for status, it in ids.items()}
    others = {"form": "/", "list": "/bookings", "guide": "/try", "api": "/docs"}
    return {**bookings, **others, "not_found": "/nothing"}


PAGES = ["form", "booked", "needs_attention", "list"]
MORE_PAGES = ["running", "cancelled", "guide", "api", "not_found"]


@pytest.mark.parametrize(
    "name", [*PAGES, *(pytest.param(name, marks=pytest.mark.long) for name in MORE_PAGES)]
)
def test_page(new_page: NewPage, addresses: dict[str, str], name: str) -> None:
    page = new_page(tolerate="404")
    weighed: list[Response] = []
    page.on("response", lambda response: weighed.append(response))
    page.goto(addresses[name])
    page.wait_for_load_state("load")
    limit = 60_000 if name == "api" else 50_000
    assert sum(len(response.body()) for response in weighed) < limit
    look_at(page, name)


def test_the_form_with_errors(new_page: NewPage, processes: dict[str, Started]) -> None:
    page = new_page(tolerate="422")
    page.goto("/")
    page.get_by_label("Attempts").fill("99")
    page.get_by_label("Car", exact=True).fill("")
    page.get_by_role("button", name="Book this trip").click()
    page.get_by_role("alert").wait_for()
    look_at(page, "form_with_errors")


def look_at(page: Page, name: str) -> None:
    """Look at a page on a desktop and on a phone, in both schemes, with axe and by pictures."""
    for width, size in SIZES.items():
        page.set_viewport_size(size)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], "it scrolls sideways"
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            picture(page, f"{name}-{width}-{scheme}")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
    if name in README and os.environ.get("README_PICTURES"):
        shutil.copy(SCREENSHOTS / f"{name}-desktop-light.png", ROOT / "docs" / README[name])


def test_axe_would_find_something(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["form"])
    page.evaluate("document.querySelector('label').remove()")
    assert Axe().run(page, options=RULES).violations_count == 1
