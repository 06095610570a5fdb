"""The booking's page follows: through deaths and restarts, cancellations, and to its end."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import NewPage, choose, fill_and_book, headline, states
from tools.helpers.processes import Started
from tools.helpers.service import GOOD, Service

NOW = {"Prefer": "wait=0"}


@pytest.mark.long
def test_through_the_death_of_the_worker(
    page: Page, new_page: NewPage, site: Service, processes: dict[str, Started]
) -> None:
    booking_id = fill_and_book(page, attempts="5")
    expect(page.locator("#leg-car")).to_contain_text("Last failure: Car service is down")
    processes["worker"].process.kill()
    other = new_page()
    try:
        choose(other, "All goes well")
        expect(other.locator("#now")).to_have_text(re.compile("are about to start"))
        for it in (page, other):
            expect(it.locator("#notice")).to_contain_text("the worker seems to be down")
            headline(it, "Booking your trip …")
    finally:
        processes["worker"] = site.start_worker()
    for it in (page, other):
        headline(it, "Your trip is booked")
        expect(it.locator("#notice")).to_be_empty()
    assert len(site.held(booking_id)) == 3


def test_while_the_service_does_not_answer(
    new_page: NewPage, site: Service, processes: dict[str, Started]
) -> None:
    page = new_page(tolerate="Failed to load resource: net::ERR")
    fill_and_book(page, attempts="4")
    web = processes["web"]
    web.process.kill()
    try:
        expect(page.locator("#notice")).to_have_text(
            "The booking service is not responding. Still trying …"
        )
    finally:
        web.status()
        processes["web"] = site.start_web()
    headline(page, "Your trip is booked")
    expect(page.locator("#notice")).to_be_empty()


def test_cancelled_by_the_button_while_it_runs(page: Page, site: Service) -> None:
    booking_id = fill_and_book(page, attempts="7")
    page.get_by_role("button", name="Cancel this trip").click()
    headline(page, "Your trip was cancelled")
    assert states(page) == ["undone", "not attempted", "not attempted"]
    expect(page.locator("#reason")).to_contain_text("Cancelled by request")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert site.held(booking_id) == []


def test_cancelled_by_the_button_after_it_was_booked(page: Page, site: Service) -> None:
    booking_id = choose(page, "All goes well")
    headline(page, "Your trip is booked")
    page.get_by_text("Cancel this trip").click()
    question = page.locator("#cancel p")
    expect(question).to_contain_text("the trip of John Doe for good?")
    for item in ("valid-car-id", "valid-hotel-id", "valid-flight-id"):
        expect(question).to_contain_text(item)
    assert len(site.held(booking_id)) == 3, "it was only asked"
    page.get_by_role("button", name="Yes, cancel the trip").click()
    headline(page, "Your trip was cancelled")
    assert states(page) == ["undone"] * 3
    assert site.held(booking_id) == []


@pytest.mark.long
def test_two_tabs_ask_with_a_tag_and_stop_when_it_is_over(page: Page, new_page: NewPage) -> None:
    page.clock.install()
    statuses: list[int] = []
    page.on("response", lambda it: statuses.append(it.status) if "/bookings/" in it.url else None)
    choose(page, "Slow supplier")
    other = new_page()
    other.goto(page.url)
    for tab in (page, other):
        expect(tab.locator("#now")).to_contain_text("Booking the hotel")
    for tab in (page, other):
        headline(tab, "Your trip is booked")
        expect(tab.locator("#notice")).to_be_empty()
    assert 304 in statuses
    asked = len(statuses)
    page.clock.fast_forward(60_000)
    page.evaluate("fetch('/healthz')")
    assert len(statuses) == asked


def test_the_same_booking_has_the_same_tag(page: Page, site: Service) -> None:
    url = site.book().json()["url"]
    html = {"Accept": "text/html"}
    first = site.http.get(url, headers=html)
    again = site.http.get(url, headers=html | {"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert site.http.get(url).headers["ETag"] != first.headers["ETag"]
    assert "Accept" in first.headers["Vary"]


@pytest.mark.long
def test_without_javascript_the_page_is_loaded_again(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    fill_and_book(page, attempts="3")
    headline(page, "Booking your trip …")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    headline(page, "Your trip is booked")
    page.get_by_text("Cancel this trip").click()
    page.get_by_role("button", name="Yes, cancel the trip").click()
    headline(page, "Your trip was cancelled")


def test_a_name_cannot_become_markup(page: Page, site: Service) -> None:
    evil = "<img src=x onerror=alert(1)>"
    answer = site.book(NOW, **dict.fromkeys(GOOD, evil))
    page.goto(answer.headers["Location"])
    expect(page.get_by_text(evil).first).to_be_visible()
