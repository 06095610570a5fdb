"""`POST /bookings/<id>/cancel`: of a booking that runs, and of a booked trip."""

import pytest
from temporalio.api.common.v1 import WorkflowExecution as Execution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from bookings.reading import describe
from tests.saga.world import until
from tools.helpers.processes import wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


def cancel(site: Service, booking_id: str, **headers: str) -> tuple[int, dict[str, object]]:
    answer = site.http.post(f"/bookings/{booking_id}/cancel", headers=headers)
    return answer.status_code, answer.json()


def test_a_booking_that_runs(site: Service) -> None:
    booking_id = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: len(site.held(booking_id)) == 1)
    status, body = cancel(site, booking_id)
    assert status == 200
    assert body["cancelled"] is True
    assert body["result"] == "Voyage cancelled"
    assert body["reason"] == "Cancelled by request."
    assert site.held(booking_id) == []
    assert site.status(booking_id) == "cancelled"


def test_a_booked_trip(site: Service) -> None:
    booked = site.book().json()
    assert len(site.held(booked["booking_id"])) == 3
    status, body = cancel(site, booked["booking_id"])
    assert status == 200
    assert body["cancelled"] is True
    assert body["user_id"] == booked["user_id"]
    assert site.held(booked["booking_id"]) == []
    booking = site.http.get(booked["url"]).json()
    assert booking["status"] == "cancelled"
    assert [(leg["state"], leg["attempts"]) for leg in booking["legs"]] == [("undone", 1)] * 3
    assert booking["reason"] == "Cancelled by request."


def test_twice_is_the_same(site: Service) -> None:
    booking_id = site.book().json()["booking_id"]
    assert cancel(site, booking_id) == cancel(site, booking_id)


def test_one_that_was_refused_stays_as_it_is(site: Service) -> None:
    booking_id = site.book(hotel="an invalid hotel").json()["booking_id"]
    status, body = cancel(site, booking_id)
    assert status == 200
    assert body["reason"] == "Invalid hotel booking, rolling back!"


def test_a_booked_trip_whose_undo_is_stuck(site: Service) -> None:
    booking_id = site.book(flight="a stuck flight").json()["booking_id"]
    status, body = cancel(site, booking_id, Prefer="wait=0")
    assert status == 202
    assert body["status"] == "undoing"
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    wait_until(lambda: [held.item for held in site.held(booking_id)] == ["a stuck flight"])
    status, body = cancel(site, booking_id, Prefer="wait=0")
    assert status == 202


@pytest.mark.long
async def test_a_cancellation_is_found_though_its_booking_is_gone(
    site: Service, client: Client
) -> None:
    """As when the booking's time with Temporal ends while an undo is still stuck."""
    booking_id = site.book(name="Ada Gone", flight="a stuck flight").json()["booking_id"]
    cancel(site, booking_id, Prefer="wait=0")
    wait_until(lambda: site.status(booking_id) == "needs_attention")
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=client.namespace, workflow_execution=Execution(workflow_id=booking_id)
        )
    )
    await until(lambda: is_gone(client, booking_id), seconds=120)
    found = site.http.get(f"/bookings/{booking_id}").json()
    assert (found["status"], found["name"]) == ("needs_attention", "Ada Gone")
    assert [leg["item"] for leg in found["legs"]] == ["a car", "a hotel", "a stuck flight"]
    page = site.http.get(f"/bookings/{booking_id}", headers={"Accept": "text/html"})
    assert "Undoing the flight" in page.text
    assert cancel(site, booking_id, Prefer="wait=0")[0] == 202


async def is_gone(client: Client, workflow_id: str) -> bool:
    return await describe(client.get_workflow_handle(workflow_id)) is None


def test_what_is_not_there(site: Service) -> None:
    assert cancel(site, "trip-" + "0" * 32)[0] == 404
    assert cancel(site, "x")[0] == 404


def test_from_the_page(site: Service) -> None:
    booking_id = site.book().json()["booking_id"]
    answer = site.http.post(f"/bookings/{booking_id}/cancel", data={})
    assert answer.status_code == 200
    answer = site.http.post(
        f"/bookings/{booking_id}/cancel", headers={"Accept": "text/html"}, data={"from": "page"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/bookings/{booking_id}"
