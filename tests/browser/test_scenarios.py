"""The ready-made trips, from a click to the outcome, as somebody sees them who only watches.

The slow supplier is in `test_following.py`.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import choose, headline, picture, states
from tools.helpers.service import Service


@pytest.mark.parametrize(
    ("scenario", "outcome", "legs", "why"),
    [
        ("All goes well", "Your trip is booked", ["booked"] * 3, None),
        (
            "Recover backward",
            "Your trip was cancelled",
            ["undone", "refused", "not attempted"],
            "The hotel declined this booking.",
        ),
        (
            "Sold out",
            "Your trip was cancelled",
            ["undone", "undone", "refused"],
            'Flight "sold-out-flight-id" is sold out.',
        ),
    ],
)
def test_a_quick_scenario(
    page: Page, site: Service, scenario: str, outcome: str, legs: list[str], why: str | None
) -> None:
    booking_id = choose(page, scenario)
    headline(page, outcome)
    assert states(page) == legs
    if why:
        expect(page.locator("#reason")).to_have_text(f"Why: {why}")
    assert len(site.held(booking_id)) == legs.count("booked") * (outcome == "Your trip is booked")
    expect(page.get_by_role("img", name=re.compile("The saga"))).to_be_visible()
    expect(page.get_by_text(booking_id)).to_be_visible()
    link = page.get_by_role("link", name="Web UI")
    assert f"/workflows/{booking_id}" in str(link.get_attribute("href"))


@pytest.mark.long
def test_recover_forward_shows_each_attempt(page: Page, site: Service) -> None:
    booking_id = choose(page, "Recover forward")
    car = page.locator("#leg-car")
    expect(car).to_contain_text("Last failure: Car service is down")
    expect(car).to_contain_text(re.compile(r"Attempt [2-5] (in \d s|is due)"))
    expect(page.get_by_role("status").first).to_have_text(
        re.compile(r"The car could not be booked yet: attempt [1-4] failed.")
    )
    expect(car.locator(".pill")).to_have_text("booked", timeout=10_000)
    expect(page.locator("#leg-hotel .pill")).to_have_text("being booked")
    expect(page.locator("time[data-since]")).to_have_text(re.compile(r"^[3-9] s$"))
    picture(page, "forward")
    headline(page, "Your trip is booked")
    expect(page.get_by_text("5 attempts")).to_have_count(3)
    assert len(site.held(booking_id)) == 3


def test_a_stuck_undo_needs_attention(page: Page, site: Service) -> None:
    booking_id = choose(page, "Stuck undo")
    headline(page, "Undoing your trip …")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    headline(page, "Your trip needs attention")
    expect(page.locator("#leg-hotel .pill")).to_have_text("undone")
    assert states(page) == ["being undone", "undone", "refused"]
    expect(page.locator("#leg-car")).to_contain_text("stuck-car-id cannot be undone")
    expect(page.get_by_role("status").first).to_contain_text(
        "Undoing the car is taking longer than it should."
    )
    assert len(site.held(booking_id)) == 1
