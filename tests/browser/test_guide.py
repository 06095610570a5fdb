"""The guide to breaking things; its commands are run in `tests/docs/test_readme.py`."""

from playwright.sync_api import Page, expect

from tests.browser.visits import on_booking


def test_the_guide_starts_a_slow_trip(page: Page) -> None:
    page.goto("/try")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="A slow trip").click()
    trip = opened.value
    on_booking(trip)
    expect(trip.locator("#now")).to_have_text("Booking the car.")
