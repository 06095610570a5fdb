"""Promise 14, for staff: they are told of what needs them, once, and nobody else is said to be."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request

from saga import Settlement
from saga_workflows import BookWorkflow
from settings import Settings
from shared import Leg, Status
from suppliers.alerts import Staff, staff_of
from suppliers.mail import Mailer
from tests.saga.world import QUICK, Handle, World, down, ended, until
from tests.suppliers.shops import serving
from tools.helpers.temporal_server import free_port

IMPATIENT = QUICK.model_copy(update={"undo_patience": 0.2, "notify_deadline": 2})


class Webhook:
    """What a webhook has accepted; it is down for the first calls, as a test plans it."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self.down_for = 0
        self.app = Flask("webhook")
        self.app.post("/hook")(self._take)

    def _take(self) -> Response:
        if self.down_for:
            self.down_for -= 1
            return Response(status=503)
        self.accepted.append(request.get_json())
        return Response(status=204)


@pytest.fixture
def webhook(world: World) -> Iterator[Webhook]:
    webhook = Webhook()
    with serving(webhook.app) as url:
        world.activities.staff = Staff(webhook=f"{url}/hook")
        yield webhook


async def stuck(world: World) -> Handle:
    """A booking with two undos that do not end."""
    world.flight.set_stock("a flight", 0)
    world.hotel.always_on_release = world.car.always_on_release = down
    return await world.start(IMPATIENT, name="John Doe", email="john@example.com")


async def settle(world: World, handle: Handle) -> None:
    for leg in (Leg.HOTEL, Leg.CAR):
        await handle.execute_update(BookWorkflow.settle, Settlement(leg, "Ann", "phoned"))
    await handle.result()
    world.hotel.always_on_release = world.car.always_on_release = None


async def needs_attention(world: World, handle: Handle) -> bool:
    booking = await world.read(handle)
    return booking.status is Status.NEEDS_ATTENTION and len(booking.legs) == 3


async def test_staff_are_told_once_of_a_trip_that_needs_them(
    world: World, webhook: Webhook, tmp_path: Path
) -> None:
    webhook.down_for = 2
    world.activities.mailer = Mailer("", "us@example.com", "https://trips.example.com", tmp_path)
    world.activities.staff = world.activities.staff._replace(address="staff@example.com")

    async def told() -> bool:
        return bool((await world.read(handle)).staff_told)

    async with world.worker():
        handle = await stuck(world)
        await until(lambda: needs_attention(world, handle))
        await until(told)
        await settle(world, handle)
    [alert] = webhook.accepted
    assert alert == {
        "alert_id": f"{handle.id}/alert",
        "kind": "needs_attention",
        "booking_id": handle.id,
        "text": "Undoing the hotel is taking longer than it should. It is still being tried.",
        "url": f"https://trips.example.com/bookings/{handle.id}",
    }
    mail = (tmp_path / f"{handle.id}.alert.eml").read_text()
    assert "To: staff@example.com" in mail
    assert alert["text"] in mail.replace("=\n", "")


async def test_staff_are_told_of_a_traveller_who_was_not(world: World, webhook: Webhook) -> None:
    world.activities.mailer = Mailer(f"smtp://127.0.0.1:{free_port()}", "us@example.com")
    async with world.worker():
        handle = await world.start(IMPATIENT, name="John Doe", email="john@example.com")
        await handle.result()
        await until(lambda: webhook.accepted)
        await ended(world.client.get_workflow_handle(f"{handle.id}/notify-booked"))
    [alert] = webhook.accepted
    assert (alert["kind"], alert["booking_id"]) == ("not_notified", handle.id)
    assert alert["text"] == "The traveller was not told that the trip is booked."
    assert "ohn" not in str(alert), "a webhook gets no name and no address"


async def test_nobody_is_said_to_have_been_told_who_was_not(world: World) -> None:
    """Neither a mail address nor a webhook is set."""
    async with world.worker():
        handle = await stuck(world)
        await until(lambda: needs_attention(world, handle))
        await ended(world.client.get_workflow_handle(f"{handle.id}/alert"))
        assert (await world.read(handle)).staff_told is False
        await settle(world, handle)


async def test_a_failed_try_is_one_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.activities.mailer = Mailer(f"smtp://127.0.0.1:{free_port()}", "us@example.com")
    with caplog.at_level(logging.INFO):
        async with world.worker():
            handle = await world.start(IMPATIENT, email="john@example.com")
            await handle.result()
            await ended(world.client.get_workflow_handle(f"{handle.id}/notify-booked"))
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    tries = [record for record in lines if record.name == "temporalio.activity"]
    assert tries
    for record in tries:
        said = record.getMessage()
        assert "a message was not sent: ConnectionRefusedError" in said
        assert record.exc_info is None
    assert [record for record in lines if record.exc_info] == []
    assert "john@example.com" not in caplog.text


@pytest.mark.parametrize("url", ["http://alerts.example/x", "ftp://127.0.0.1", "https://", "x"])
def test_a_webhook_in_clear_text_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        staff_of(Settings(ALERT_URL=url), Mailer("", "us@example.com"))
    assert "ALERT_URL must be https://" in capsys.readouterr().err


def test_staff_mail_needs_a_mail_server(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        staff_of(Settings(STAFF_MAIL="staff@example.com"), Mailer("", "us@example.com"))
    assert "Set SMTP_URL." in capsys.readouterr().err
