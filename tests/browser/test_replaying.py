"""The story on a booking's page: what happened, and a slider that replays it."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.test_every_page import RULES
from tests.browser.visits import PHONE, NewPage, headline, picture, states
from tools.helpers.processes import wait_until
from tools.helpers.service import Service

pytestmark = pytest.mark.long
UNDONE = ["undone", "undone", "refused"]


def open_refused(page: Page, site: Service) -> None:
    page.goto(site.book(flight="sold-out-flight-id", attempts=2).json()["url"])
    headline(page, "Your trip was cancelled")


def test_the_slider_goes_forward_and_back(page: Page, site: Service) -> None:
    open_refused(page, site)
    slider = page.get_by_role("slider", name="Moment of the story")
    assert states(page) == UNDONE
    slider.press("Home")
    assert states(page) == ["not attempted"] * 3
    assert slider.get_attribute("aria-valuetext") == "We received the booking."
    slider.press("ArrowRight")
    assert states(page) == ["being booked", "not attempted", "not attempted"]
    expect(page.locator(".event[aria-current=step]")).to_contain_text("Booking the car.")
    picture(page, "story-at-a-moment")
    assert Axe().run(page, options=RULES).violations_count == 0
    slider.press("ArrowLeft")
    assert states(page) == ["not attempted"] * 3
    slider.press("End")
    assert states(page) == UNDONE
    expect(page.locator(".event[aria-current]")).to_have_count(0)


def test_it_plays_by_itself_and_pauses(page: Page, site: Service) -> None:
    page.clock.install()
    open_refused(page, site)
    page.get_by_role("button", name="Play").click()
    assert states(page) == ["not attempted"] * 3
    page.clock.run_for(1_000)
    assert states(page) == ["being booked", "not attempted", "not attempted"]
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(60_000)
    assert states(page) == ["being booked", "not attempted", "not attempted"]
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(60_000)
    assert states(page) == UNDONE
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_each_event_has_an_address(page: Page, site: Service) -> None:
    open_refused(page, site)
    page.locator("#event-2 a").click()
    assert page.url.endswith("#event-2")
    expect(page.locator("#event-2:target time[datetime]")).to_have_count(1)


def test_without_javascript_there_is_the_list(new_page: NewPage, site: Service) -> None:
    page = new_page(java_script_enabled=False, viewport=PHONE)
    open_refused(page, site)
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.locator(".events li").last).to_contain_text("The trip is cancelled")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_running_and_a_stuck_booking_tell_theirs(page: Page, site: Service) -> None:
    now = {"Prefer": "wait=0"}
    answer = site.book(now, car="stuck-car-id", hotel="invalid-hotel-id").json()
    booking_id = answer["booking_id"]
    page.goto(f"/bookings/{booking_id}")
    expect(page.locator(".events")).to_contain_text("The hotel was refused.")
    headline(page, "Your trip needs attention")
    expect(page.locator(".events")).to_contain_text("The undo is taking longer than it should.")
    expect(page.get_by_role("slider")).to_have_count(0)
    wait_until(lambda: kinds(site, booking_id)[-1] == "waiting")
    assert "needs_attention" in kinds(site, booking_id)
    expect(page.locator(".events li").last).to_contain_text("attempts at the car failed.")


def kinds(site: Service, booking_id: str) -> list[str]:
    answer = site.http.get(f"/bookings/{booking_id}/events")
    return [event["kind"] for event in answer.json()["events"]]
