"""What a worker logs: the story of a booking in words, and never what a traveller has entered."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import saga_workflows
from run_worker import is_news
from runtime.logs import handler
from saga import Settlement
from shared import Leg, Notice, Pace
from suppliers import Refused
from suppliers.mail import Mailer, NotSent
from tests.saga.world import QUICK, Handle, World, ended, until

NAME, EMAIL = "Philippa Vandersloot", "philippa@vandersloot.example"
ITEMS = {f"book_{leg}_id": f"Vandersloot's own {leg}" for leg in Leg}
FIRST = QUICK.model_copy(update={"first_try": 20})
PLANTED = ("Philippa", "Vandersloot", "vandersloot", "own ")


class Log:
    """All lines that are logged meanwhile."""

    def __init__(self, log_format: str) -> None:
        self.stream = io.StringIO()
        self.handler = handler(self.stream, log_format)

    def words(self) -> list[str]:
        """What the lines say, without their time."""
        return [line[len("2026-11-25 21:30:00 ") :] for line in self.lines()]

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def about(self, handle: Handle) -> list[str]:
        """What they say of a booking."""
        return [line for line in self.words() if handle.id in line]

    def planted(self) -> list[str]:
        """The lines with something that a traveller has entered."""
        return [line for line in self.lines() if any(it in line for it in PLANTED)]

    def count(self, text: str) -> int:
        return self.stream.getvalue().count(text)


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    log = Log(getattr(request, "param", "text"))
    root, activities = logging.getLogger(), logging.getLogger("temporalio.activity")
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(log.handler)
    activities.addFilter(is_news)
    yield log
    activities.removeFilter(is_news)
    root.removeHandler(log.handler)
    root.setLevel(level)


def worker(world: World) -> Worker:
    """A worker as its process has it: a formatter would not be let out of the sandbox."""
    return world.worker(workflow_runner=UnsandboxedWorkflowRunner())


async def book(world: World, **fields: Any) -> Handle:
    return await world.start(**{"name": NAME, "email": EMAIL, **ITEMS, **fields})


BOTH = pytest.mark.parametrize("pace", [QUICK, FIRST], ids=["regular", "first-try"])


@BOTH
async def test_a_trip_that_is_booked_at_the_second_attempt(
    world: World, log: Log, pace: Pace
) -> None:
    world.hotel.on_reserve = [fails(f"no room for {NAME} in {ITEMS['book_hotel_id']}")]
    async with worker(world):
        handle = await book(world, email=None, pace=pace)
        await handle.result()
    assert log.about(handle) == [
        f"{handle.id}: car booked",
        f"WARNING {handle.id}: hotel not booked: ConnectionError: no room for … in …",
        f"{handle.id}: hotel booked (attempt 2)",
        f"{handle.id}: flight booked",
        f"{handle.id}: booked",
    ]


@BOTH
async def test_a_trip_that_is_undone(world: World, log: Log, pace: Pace) -> None:
    world.flight.set_stock(ITEMS["book_flight_id"], 0)
    async with worker(world):
        handle = await book(world, email=None, pace=pace)
        await handle.result()
    assert log.about(handle) == [
        f"{handle.id}: car booked",
        f"{handle.id}: hotel booked",
        f"{handle.id}: flight refused: sold_out",
        f"{handle.id}: undoing: sold_out",
        *(f"{handle.id}: {leg} undone" for leg in ("flight", "hotel", "car")),
        f"{handle.id}: cancelled: sold_out",
    ]


async def test_a_trip_that_is_cancelled_later_and_needs_an_operator(world: World, log: Log) -> None:
    world.hotel.always_on_release = fails(f"cannot release it for {NAME}")
    async with worker(world):
        handle = await book(world, email=None, pace=QUICK.model_copy(update={"undo_patience": 0.1}))
        await handle.result()
        undoing = await world.cancel_booked(handle)
        await until(lambda: log.count("needs attention: undoing hotel"))
        note = f"phoned the hotel about {NAME}"
        await undoing.execute_update("settle", Settlement("hotel", "Ann", note))
        await undoing.result()
    said = log.about(handle)
    assert f"WARNING {handle.id}: needs attention: undoing hotel" in said
    assert f"{handle.id}: hotel settled by Ann" in said
    assert f"{handle.id}: cancelled: cancelled" in said
    assert log.planted() == []


async def test_a_traveller_who_cannot_be_told(world: World, log: Log) -> None:
    world.activities.mailer = Careless("", "us@example.com")
    pace = QUICK.model_copy(update={"notify_deadline": 3})
    async with worker(world):
        handle = await book(world, pace=pace)
        await handle.result()
        await ended(world.client.get_workflow_handle(f"{handle.id}/notify-booked"))
    assert f"WARNING {handle.id}: a message was not sent: the mail server is full" in log.words()
    given_up = "notice given up. The traveller was not told that the trip is booked."
    assert f"ERROR {handle.id}: {given_up}" in log.words()
    assert log.planted() == []


async def test_a_bug_has_a_traceback_that_quotes_nobody(
    world: World, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a workflow, which is fixed then, and one in an activity."""
    world.activities.mailer = Careless("", "us@example.com", ValueError(f"who is {EMAIL}?"))
    world.flight.on_reserve = [refuses(f"no flight for {NAME}")]
    monkeypatch.setattr(saga_workflows, "attempts", broken)
    async with worker(world):
        handle = await book(world, task_timeout=timedelta(seconds=1))
        await until(lambda: log.count("ValueError"))
    assert log.count("in broken")
    monkeypatch.undo()
    async with worker(world):
        await handle.result()
        await until(lambda: log.count("in send"))
    assert f"{handle.id}: flight refused: declined" in log.words()
    assert log.planted() == []


@pytest.mark.parametrize("log", ["json"], indirect=True)
async def test_lines_for_programs(world: World, log: Log) -> None:
    world.hotel.on_reserve = [fails("a second\nline")]
    async with worker(world):
        handle = await book(world, email=None)
        await handle.result()
    records = [it for line in log.lines() if "booking_id" in (it := json.loads(line))]
    [hotel] = [it for it in records if it["message"] == "hotel booked"]
    assert {name: hotel[name] for name in ("booking_id", "leg", "attempt", "level")} == {
        "booking_id": handle.id,
        "leg": "hotel",
        "attempt": 2,
        "level": "info",
    }
    assert hotel["time"].endswith("+00:00")
    assert records[-1]["message"] == "booked"
    assert {it["booking_id"] for it in records} == {handle.id}
    assert "request_id" not in hotel


async def test_a_replay_says_nothing_again(world: World, log: Log) -> None:
    async with world.worker(
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
        max_concurrent_workflow_tasks=2,
    ):
        handle = await book(world, email=None)
        await handle.result()
    assert log.words().count(f"{handle.id}: booked") == 1


def fails(text: str) -> Callable[[Any], None]:
    def fault(_call: Any) -> None:
        raise ConnectionError(text)

    return fault


def refuses(text: str) -> Callable[[Any], None]:
    def fault(_call: Any) -> None:
        raise Refused(text)

    return fault


def broken(*_: object) -> int:
    """A bug in the workflow's code, whose text names somebody."""
    raise ValueError(f"{NAME} broke it")


class Careless(Mailer):
    """A mailer that fails with a text of its own, or as no mailer should."""

    def __init__(self, url: str, sender: str, error: Exception | None = None) -> None:
        super().__init__(url, sender)
        self.error = error or NotSent("the mail server is full")

    def send(self, notice: Notice) -> None:
        raise self.error
