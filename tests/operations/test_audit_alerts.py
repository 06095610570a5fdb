"""`operations audit --alert`: staff are told once of a trip that cannot speak for itself."""

from flask import Flask, Response, request

from operations.audit.alerts import alert
from shared import Leg
from suppliers.alerts import Staff
from tests.operations.town import Town
from tests.saga.world import Late, until
from tests.suppliers.shops import serving


async def test_staff_are_told_once_of_a_trip_that_was_terminated(town: Town) -> None:
    told: list[str] = []
    webhook = Flask("webhook")

    @webhook.post("/hook")
    def take() -> Response:
        told.append(request.get_json()["booking_id"])
        return Response(status=204)

    hotel = Late()
    town.world.hotel.on_reserve = [hotel]
    booking = await town.world.start()
    await until(hotel.reached.is_set)
    await booking.terminate("an operator's mistake")
    hotel.go.set()
    await until(hotel.over.is_set)
    fine = await town.booked()
    with serving(webhook) as url:
        town.world.activities.staff = Staff(webhook=f"{url}/hook")
        for _ in range(2):
            await alert(town.world.client, await town.audit(), town.world.task_queue)
            await until(lambda: booking.id in told)
        last = town.world.client.get_workflow_handle(f"{booking.id}/audit-stopped-holding")
        await last.result()
    for held in [*town.world.car.held(), *town.world.hotel.held()]:
        if held.key.startswith(booking.id):
            town.world.car.release(held.key)
            town.world.hotel.release(held.key)
    assert told.count(booking.id) == 1
    assert fine.id not in told


async def test_the_command_starts_the_alert(town: Town) -> None:
    booking = await town.booked()
    with town.damaged(
        Leg.CAR, "DELETE FROM reservation WHERE key LIKE :key", key=f"{booking.id}:%"
    ):
        status, _ = await town.command("--alert")
    assert status == 1
    alert_workflow = town.world.client.get_workflow_handle(f"{booking.id}/audit-missing")
    assert (await alert_workflow.describe()).workflow_type == "AlertWorkflow"
