"""`GET /bookings/<id>/events`: the story of a booking, for programs."""

from tools.helpers.service import Service


def test_the_story_of_a_cancelled_trip(site: Service) -> None:
    url = site.book().json()["url"]
    before = site.http.get(f"{url}/events").json()["events"]
    site.http.post(f"{url}/cancel")
    answer = site.http.get(f"{url}/events")
    events = answer.json()["events"]
    assert events[: len(before)] == before, "what was told stays as it was"
    assert [event["number"] for event in events] == [*range(1, len(events) + 1)]
    assert [event["kind"] for event in events if "leg" not in event] == [
        "received",
        "ended",
        "cancel_requested",
        "ended",
    ]
    assert [it["status"] for it in events if "status" in it] == ["booked", "cancelled"]
    assert [it["leg"] for it in events if it["kind"] == "undone"] == ["flight", "hotel", "car"]
    same = site.http.get(f"{url}/events", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304


def test_a_booking_that_never_was_has_no_story(site: Service) -> None:
    answer = site.http.get(f"/bookings/trip-{'0' * 32}/events")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("#no-such-booking")
