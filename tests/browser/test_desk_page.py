"""The desk in a browser: it refreshes itself, and works by keyboard and for everybody."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_every_page import look_at
from tests.browser.visits import NewPage, headline, on_booking
from tools.helpers.processes import Started, wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}

pytestmark = pytest.mark.long


def stuck(site: Service, name: str) -> str:
    asked = site.book(NOW, name=name, car="stuck-car-id", hotel="invalid-hotel-id")
    booking_id = str(asked.json()["booking_id"])
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    return booking_id


def test_the_desk_and_a_supplier(
    new_page: NewPage, site: Service, processes: dict[str, Started]
) -> None:
    stuck(site, "Ada of the desk")
    assert site.start("-m", "operations", "audit").status() in {0, 1}
    page = new_page()
    page.goto("/desk")
    expect(page.get_by_role("link", name="Ada of the desk")).to_be_visible()
    look_at(page, "desk")
    page.get_by_role("link", name="The car supplier").click()
    headline(page, "The car supplier")
    look_at(page, "desk_supplier")


def test_a_new_one_appears_by_itself_and_the_focus_stays(
    new_page: NewPage, site: Service, processes: dict[str, Started]
) -> None:
    first = stuck(site, "Grace of the desk")
    page = new_page()
    page.goto("/desk")
    button = page.locator(f"#try-car-{first}")
    button.focus()
    stuck(site, "Edsger of the desk")
    expect(page.get_by_role("link", name="Edsger of the desk")).to_be_visible(timeout=60_000)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    on_booking(page)
    page.goto("/desk")
    expect(page.locator("#acts tbody tr").first).to_contain_text("try again car")


def test_by_keyboard_alone(new_page: NewPage, site: Service, processes: dict[str, Started]) -> None:
    booking_id = stuck(site, "Barbara of the desk")
    page = new_page()
    page.goto("/desk?reason=hotel")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    page.get_by_label("Reason").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Filter").press("Enter")
    link = page.locator(f"#see-{booking_id}")
    link.focus()
    page.keyboard.press("Enter")
    on_booking(page)
    page.get_by_label("The car is released: how?").focus()
    page.keyboard.type("phoned the rental")
    page.keyboard.press("Enter")
    headline(page, "Your trip was cancelled")
