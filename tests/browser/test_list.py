"""The list: staff find a traveller's booking in seconds."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import on_booking
from tools.helpers.processes import Started, wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


@pytest.fixture(scope="module")
def ada(site: Service, processes: dict[str, Started]) -> str:
    """The user id of a traveller whose undo is stuck, among others."""
    stuck = site.book(NOW, name="Ada", car="stuck-car-id", hotel="invalid-hotel-id").json()
    booked = [site.book(NOW, name="Grace").json()["booking_id"] for _ in range(21)]
    wait_until(lambda: site.status(stuck["booking_id"]) == "needs_attention")
    wait_until(lambda: {site.status(booking_id) for booking_id in booked} == {"booked"})
    return str(stuck["user_id"])


def test_what_needs_attention_stands_out_and_is_found(page: Page, ada: str) -> None:
    page.goto("/bookings")
    page.get_by_role("link", name=re.compile(r"Needs attention \d")).click()
    expect(page.get_by_role("link", name=re.compile("Needs attention"))).to_have_attribute(
        "aria-current", "page"
    )
    rows = page.locator("tbody tr")
    expect(rows.locator(".pill").first).to_be_visible()
    for pill in rows.locator(".pill").all():  # the list may be replaced while it is read
        expect(pill).to_have_text("Needs attention")
    page.get_by_role("link", name="Ada", exact=True).click()
    on_booking(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your trip needs attention")


def test_a_traveller_is_found_by_name_and_by_ids(page: Page, ada: str) -> None:
    page.goto("/bookings")
    for words in ("Ada", ada):
        page.get_by_role("searchbox", name="Name, e-mail, item or booking id").fill(words)
        page.keyboard.press("Enter")
        expect(page.locator("tbody th")).to_have_text([f"Ada {ada}"])
    page.get_by_role("link", name="Ada", exact=True).click()
    booking_id = on_booking(page)
    expect(page).to_have_title("Ada: Your trip needs attention · Trips")
    for words in (booking_id, booking_id[:14]):
        page.goto("/bookings")
        page.get_by_role("searchbox").fill(words)
        page.get_by_role("button", name="Search").click()
        expect(page.locator("tbody th")).to_have_text([f"Ada {ada}"])
    page.get_by_role("searchbox").fill("nobody of that name")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No bookings match.")).to_be_visible()


def test_long_lists_have_pages(page: Page, ada: str) -> None:
    page.goto("/bookings?traveller=grace&status=booked")
    expect(page.locator("tbody tr")).to_have_count(20)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page").click()
    expect(page.locator("tbody tr")).to_have_count(20)
