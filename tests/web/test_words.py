"""What a booking's page and the API say while a booking does not take its normal course."""

import re
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tools.helpers.processes import wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


def page(site: Service, booking_id: str) -> str:
    return site.http.get(f"/bookings/{booking_id}", headers={"Accept": "text/html"}).text


def leg_states(site: Service, booking_id: str) -> list[str]:
    return [leg["state"] for leg in legs_of(site, booking_id)]


def legs_of(site: Service, booking_id: str) -> list[dict[str, Any]]:
    legs: list[dict[str, Any]] = site.http.get(f"/bookings/{booking_id}").json()["legs"]
    return legs


def test_a_cancel_is_acknowledged_at_once(site: Service) -> None:
    booking_id = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: legs_of(site, booking_id)[1]["attempts"] == 2)  # after its first try
    answer = site.http.post(f"/bookings/{booking_id}/cancel", headers=NOW)
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["condition"]) == ("running", "cancelling")
    shown = page(site, booking_id)
    assert "Cancelling your trip …" in shown
    assert "Cancelling: the hotel is being finished first." in shown
    assert "Cancel this trip" not in shown
    wait_until(lambda: site.status(booking_id) == "cancelled")
    assert "condition" not in site.http.get(f"/bookings/{booking_id}").json()
    assert site.held(booking_id) == []


def test_a_cancel_during_a_first_try_is_acknowledged_too(site: Service) -> None:
    booking_id = site.book(NOW, car="a slow car").json()["booking_id"]
    wait_until(lambda: leg_states(site, booking_id)[0] == "booking")
    answer = site.http.post(f"/bookings/{booking_id}/cancel", headers=NOW).json()
    assert (answer["status"], answer["condition"]) == ("running", "cancelling")
    wait_until(lambda: site.status(booking_id) == "cancelled")
    assert site.held(booking_id) == []


async def test_nothing_is_said_to_be_tried_once_it_was_stopped(
    site: Service, client: Client
) -> None:
    booking_id = site.book(NOW, car="a stuck car", flight="invalid").json()["booking_id"]
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    assert "We keep trying until it works." in page(site, booking_id)
    await client.get_workflow_handle(booking_id).terminate("by an operator")
    shown = re.sub("<[^>]*>", " ", page(site, booking_id))  # the replay has all words in attributes
    assert "Nothing is being tried any more." in shown
    assert "keep trying" not in shown
    assert "being undone" not in shown.replace("while it was being undone", "")
    booking = site.http.get(f"/bookings/{booking_id}").json()
    assert (booking["status"], booking["condition"]) == ("needs_attention", "stopped")
    assert booking["legs"][0]["state"] == "failed"
    assert booking["legs"][0]["reason"] == "Stopped while it was being undone."


def test_without_a_mail_server_mail_is_a_file_and_the_pages_say_so(site: Service) -> None:
    folder = Path(site.environment["DATA_DIR"]) / "mail"
    form = site.http.get("/", headers={"Accept": "text/html"}).text
    assert f"Mail is not sent, but written to {folder}." in form
    booking_id = site.book(email="john@example.com").json()["booking_id"]
    assert f"Not sent, but written to {folder}" in page(site, booking_id)
    assert "Not sent" not in page(site, site.book().json()["booking_id"])
    file = folder / f"{booking_id}.booked.eml"
    wait_until(lambda: file.exists() and "Your trip is booked:" in file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
