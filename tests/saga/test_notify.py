"""Promise 9: the traveller is told, and neither a failure nor slowness of that matters."""

import asyncio
import threading
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import SMTP, Envelope, Session
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from shared import FOLLOW_UP_MEMO, BookingOutcome, Leg, LegOutcome, LegState, Notice, Pace, Status
from suppliers.mail import Mailer, compose
from tests.saga.world import QUICK, Handle, Late, World, ended, until
from tools.helpers.temporal_server import free_port


class Mailbox(MessageHandler):
    """What a real SMTP server has received; it can be told to be slow."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Message] = []
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> Any:
        if not self.reached.is_set():  # only the first message waits
            self.reached.set()
            await asyncio.to_thread(self.open.wait, 30)
        return await super().handle_DATA(server, session, envelope)

    def handle_message(self, message: Message) -> None:
        self.received.append(message)


def to(port: int) -> Mailer:
    """A mailer that writes to the mail server on a port."""
    return Mailer(f"smtp://127.0.0.1:{port}", "trips@example.com", "https://trips.example.com")


@pytest.fixture
def mailbox(world: World) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    world.activities.mailer = to(server.port)
    yield mailbox
    mailbox.open.set()
    server.stop()


def text(message: Message) -> str:
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


async def test_a_booked_trip_is_confirmed(world: World, mailbox: Mailbox) -> None:
    async with world.worker():
        handle = await world.start(email="john@example.com", name="John Doe")
        await handle.result()
        await until(lambda: mailbox.received)
    [message] = mailbox.received
    assert message["To"] == "john@example.com"
    assert message["Subject"] == "Your trip is booked"
    assert "Dear John Doe" in text(message)
    assert "Hotel: a hotel" in text(message)
    assert f"https://trips.example.com/bookings/{handle.id}" in text(message).splitlines()


async def test_a_cancelled_trip_is_told_with_its_reason(world: World, mailbox: Mailbox) -> None:
    world.hotel.set_stock("a hotel", 0)
    async with world.worker():
        await (await world.start(email="john@example.com")).result()
        await until(lambda: mailbox.received)
    [message] = mailbox.received
    assert message["Subject"] == "Your trip was cancelled"
    assert 'Hotel "a hotel" is sold out.' in text(message)


async def test_a_trip_that_is_cancelled_by_request_is_told(world: World, mailbox: Mailbox) -> None:
    late = Late()
    world.car.on_reserve = [late]
    async with world.worker():
        handle = await world.start(email="john@example.com")
        await asyncio.to_thread(late.reached.wait)
        await handle.cancel()
        late.go.set()
        await world.cancelled(handle)
        await until(lambda: mailbox.received)
    assert [message["Subject"] for message in mailbox.received] == ["Your trip was cancelled"]


async def test_a_slow_mail_server_delays_nothing(world: World, mailbox: Mailbox) -> None:
    mailbox.open.clear()
    async with world.worker():
        handle = await world.start(email="john@example.com")
        outcome = await handle.result()
        assert outcome.status is Status.BOOKED
        assert mailbox.received == []
        mailbox.open.set()
        await until(lambda: mailbox.received)


async def test_a_message_that_was_given_up_is_marked_and_changes_nothing(world: World) -> None:
    """Nobody listens where the mail server should be."""
    world.activities.mailer = to(free_port())
    async with world.worker():
        handle = await world.start(
            QUICK.model_copy(update={"notify_deadline": 0.3}), email="john@example.com"
        )
        assert (await handle.result()).status is Status.BOOKED
        given_up = notice(world, handle, "notify-booked")
        await ended(given_up)
        description = await given_up.describe()
    assert description.status is WorkflowExecutionStatus.FAILED
    assert handle.id in await description.memo_value(FOLLOW_UP_MEMO)
    assert len(world.held(handle)) == 3


@pytest.mark.long
async def test_after_an_outage_of_mail_nobody_is_told_booked_of_a_cancelled_trip(
    world: World, mailbox: Mailbox
) -> None:
    """Both notices of each trip wait for the mail server, the older one for longer."""
    working, world.activities.mailer = world.activities.mailer, to(free_port())
    async with world.worker():
        handles = [await world.start(email=f"{number}@example.com") for number in range(8)]
        for handle in handles:
            await handle.result()
            await (await world.cancel_booked(handle)).result()
        world.activities.mailer = working
        for handle in handles:
            await ended(notice(world, handle, "notify-booked"))
            await ended(notice(world, handle, "cancel/notify-cancelled"))
    assert subjects(mailbox) == ["Your trip was cancelled"] * 8
    assert len({message["To"] for message in mailbox.received}) == 8


async def test_the_last_word_is_the_latest_when_a_message_is_slow(
    world: World, mailbox: Mailbox
) -> None:
    """The trip is cancelled while the mail server takes its time with the confirmation."""
    mailbox.open.clear()
    async with world.worker():
        handle = await world.start(email="john@example.com")
        await asyncio.to_thread(mailbox.reached.wait, 20)
        await (await world.cancel_booked(handle)).result()
        await until(lambda: tries(notice(world, handle, "cancel/notify-cancelled")))
        assert subjects(mailbox) == []
        mailbox.open.set()
        await until(lambda: len(mailbox.received) == 2)
    assert subjects(mailbox) == ["Your trip is booked", "Your trip was cancelled"]


async def test_a_trip_that_is_cancelled_after_a_reset_is_not_told_booked(
    world: World, mailbox: Mailbox
) -> None:
    working, world.activities.mailer = world.activities.mailer, to(free_port())
    async with world.worker():
        handle = await world.start(email="john@example.com")
        await handle.result()
        late = Late()
        world.flight.on_reserve = [late]
        again = await world.reset(handle)
        await asyncio.to_thread(late.reached.wait, 20)
        await again.cancel()
        late.go.set()
        await world.cancelled(again)
        world.activities.mailer = working
        await ended(notice(world, handle, "notify-booked"))
        await ended(notice(world, handle, "notify-cancelled"))
    assert subjects(mailbox) == ["Your trip was cancelled"]


def notice(world: World, handle: Handle, name: str) -> WorkflowHandle[Any, Any]:
    return world.client.get_workflow_handle(f"{handle.id}/{name}")


def subjects(mailbox: Mailbox) -> list[str]:
    return [str(message["Subject"]) for message in mailbox.received]


async def tries(notice: WorkflowHandle[Any, Any]) -> int:
    """How often the pending message of a notice has been tried."""
    description = await notice.describe()
    return sum(it.attempt > 1 for it in description.raw_description.pending_activities)


async def test_without_an_address_nothing_is_scheduled(world: World, mailbox: Mailbox) -> None:
    async with world.worker():
        handle = await world.start()
        await handle.result()
    names = {event.WhichOneof("attributes") for event in (await handle.fetch_history()).events}
    assert not any("child_workflow" in str(name) for name in names)
    assert mailbox.received == []


def test_an_invalid_item_was_declined_in_words_for_travellers() -> None:
    leg = LegOutcome(leg=Leg.HOTEL, item="invalid", state=LegState.REFUSED)
    legs = [LegOutcome(leg=Leg.CAR, item="a car"), leg, LegOutcome(leg=Leg.FLIGHT, item="a flight")]
    reason = "Invalid hotel booking, rolling back!"
    outcome = BookingOutcome(status=Status.CANCELLED, legs=legs, reason=reason)
    told = Notice(
        booking_id="trip-1", name="Ann", email="ann@example.com", outcome=outcome, pace=Pace()
    )
    assert (
        "Why: The hotel declined this booking." in compose(told, "us@example.com", "").get_content()
    )
