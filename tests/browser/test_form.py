"""The form: what is wrong is said where it is, and no click books twice."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.visits import NewPage, choose, fill_and_book, headline, on_booking
from tools.helpers.processes import wait_until
from tools.helpers.service import Service


def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_is_kept(
    new_page: NewPage,
) -> None:
    page = new_page(tolerate="422")
    page.goto("/")
    page.get_by_label("Hotel", exact=True).fill("my own hotel")
    page.get_by_label("Car", exact=True).fill("")
    page.get_by_label("Attempts").fill("11")
    page.get_by_role("button", name="Book this trip").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(2)
    attempts = page.get_by_label("Attempts")
    expect(attempts).to_have_value("11")
    expect(attempts).to_have_accessible_description(re.compile("at most 10"))
    expect(page.get_by_label("Hotel", exact=True)).to_have_value("my own hotel")
    summary.get_by_role("link", name="Car").click()
    expect(page.get_by_label("Car", exact=True)).to_be_focused()
    page.keyboard.type("my own car")
    attempts.fill("1")
    page.get_by_role("button", name="Book this trip").click()
    on_booking(page)
    headline(page, "Your trip is booked")


def test_items_are_suggested(page: Page) -> None:
    page.goto("/")
    options = page.locator("#flight-suggestions option")
    assert [it.get_attribute("value") for it in options.all()][-1] == "sold-out-flight-id"
    assert page.get_by_label("Flight", exact=True).get_attribute("list") == "flight-suggestions"


def test_a_double_click_books_once(page: Page, site: Service) -> None:
    wait_until(lambda: not running(site))  # what other tests have left behind
    before = len(site.held())
    page.goto("/")
    page.get_by_role("button", name="All goes well").dblclick()
    on_booking(page)
    headline(page, "Your trip is booked")
    assert len(site.held()) == before + 3


def running(site: Service) -> list[Any]:
    bookings: list[Any] = site.http.get("/bookings?status=running").json()["bookings"]
    return bookings


def test_back_and_reload_book_once_and_a_change_books_another(page: Page, site: Service) -> None:
    wait_until(lambda: not running(site))  # what other tests have left behind
    before = len(site.held())
    first = fill_and_book(page)
    headline(page, "Your trip is booked")
    page.reload()
    headline(page, "Your trip is booked")
    page.go_back()
    page.get_by_role("button", name="Book this trip").click()
    assert on_booking(page) == first
    headline(page, "Your trip is booked")
    assert len(site.held()) == before + 3
    page.go_back()
    page.get_by_label("Hotel", exact=True).fill("another hotel")
    page.get_by_role("button", name="Book this trip").click()
    page.wait_for_url(lambda url: "/bookings/" in url and first not in url)
    headline(page, "Your trip is booked")
    assert len(site.held()) == before + 6


def test_by_keyboard_only(page: Page, site: Service) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    tab_to(page, "All goes well")
    page.keyboard.press("Enter")
    booking_id = on_booking(page)
    headline(page, "Your trip is booked")
    tab_to(page, "Cancel this trip")
    page.keyboard.press("Enter")
    tab_to(page, "Yes, cancel the trip")
    page.keyboard.press("Enter")
    headline(page, "Your trip was cancelled")
    assert site.held(booking_id) == []


def tab_to(page: Page, words: str) -> None:
    """Press Tab until something with these words has the focus, and shows that it has."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if words in focused.inner_text():
            outline = focused.evaluate("it => getComputedStyle(it).outlineStyle")
            assert outline == "solid"
            return
    raise AssertionError(f"Tab does not lead to {words!r}")


def test_the_id_can_be_copied(new_page: NewPage) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    booking_id = choose(page, "All goes well")
    page.get_by_role("button", name="Copy the booking id").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == booking_id
