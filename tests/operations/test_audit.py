"""What the audit does not report, what it cannot tell, and how it says so."""

import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from operations.audit.auditor import Report, audit
from operations.audit.findings import Kind
from operations.audit.known import Standing
from operations.audit.shops import Books, Shop
from saga import Settlement
from shared import Leg, Status
from suppliers.service import create_service
from tests.operations.town import Town
from tests.saga.world import QUICK, Late, down, until
from tests.suppliers.partners import NeverEnds, partner
from tests.suppliers.shops import serving


async def test_a_clean_system_gives_0(town: Town) -> None:
    await town.booked()
    await town.cancelled()
    status, output = await town.command()
    assert status == 0, output
    assert "No violations" in output


async def test_violations_give_1_to_people_and_to_machines(town: Town) -> None:
    booking = await town.booked()
    with town.damaged(
        Leg.CAR, "DELETE FROM reservation WHERE key LIKE :key", key=f"{booking.id}:%"
    ):
        status, output = await town.command()
        assert status == 1
        assert f"VIOLATION (missing) {booking.id}" in output
        assert "What to do: " in output
        status, output = await town.command("--json")
        assert status == 1
        report = Report.model_validate_json(output)
        assert booking.id in {finding.booking_id for finding in report.violations}


async def test_bookings_in_progress_are_counted_and_not_judged(town: Town) -> None:
    hotel = Late()
    town.world.hotel.on_reserve = [hotel]
    booking = await town.world.start()
    await until(hotel.reached.is_set)
    report = await town.audit()
    assert report.trips[Standing.IN_PROGRESS] == 1
    assert booking.id not in {it.booking_id for it in report.findings}
    hotel.go.set()
    await booking.result()


async def test_an_undo_that_is_stuck_is_listed_until_it_is_settled(town: Town) -> None:
    world = town.world
    world.flight.set_stock("no flight", 0)
    world.hotel.always_on_release = down
    pace = QUICK.model_copy(update={"undo_patience": 0.1})
    booking = await world.start(pace, book_flight_id="no flight")

    async def kinds() -> list[Kind]:
        findings = (await town.audit()).findings
        return [finding.kind for finding in findings if finding.booking_id == booking.id]

    async def status() -> Status:
        return (await world.read(booking)).status

    await until(lambda: is_so(status, Status.NEEDS_ATTENTION))
    assert await kinds() == [Kind.NEEDS_ATTENTION]
    settlement = Settlement(Leg.HOTEL, "Ann", "phoned the hotel")
    await booking.execute_update("settle", settlement)
    await booking.result()
    assert await kinds() == [Kind.SETTLED_HELD]
    assert (await town.audit()).violations == []
    world.hotel.always_on_release = None
    await until(lambda: world.held(booking) == [])
    assert await kinds() == []


async def is_so(read: Callable[[], Awaitable[object]], value: object) -> bool:
    return await read() == value


class Meanwhile:
    """A supplier at which something happens just before its books are read a second time."""

    def __init__(self, shop: Shop, first: Books | None, before: Callable[[], Awaitable[object]]):
        self.leg = shop.leg
        self.blind_spot = ""
        self.shop = shop
        self.first = first
        self.before = before
        self.looks = 0

    async def read(self, keys: Iterable[str]) -> Books:
        self.looks += 1
        if self.looks == 1 and self.first:
            return self.first
        await self.before()
        return await self.shop.read(keys)


async def test_what_looks_off_is_looked_at_again(town: Town) -> None:
    await town.booked()

    async def nothing() -> None:
        return

    car, *others = town.shops
    too_early = Meanwhile(car, Books(Leg.CAR, []), nothing)
    assert (await audit(town.world.client, [too_early, *others], 0.02)).violations == []
    assert too_early.looks == 2


async def test_a_trip_that_moves_on_at_the_second_look_is_not_reported(town: Town) -> None:
    booking = await town.booked()

    async def cancel() -> None:
        await (await town.world.cancel_booked(booking)).result()

    car, *others = town.shops
    held = await car.read([])
    without = Books(Leg.CAR, [one for one in held.held if booking.id not in one.key])
    shops = [Meanwhile(car, without, cancel), *others]
    assert (await audit(town.world.client, shops, 0.02)).violations == []


async def test_a_workflow_that_was_reset_counts_once(town: Town) -> None:
    booking = await town.booked()

    async def count() -> int:  # of all: another test's trip may still be ending
        return sum((await town.audit()).trips.values())

    before = await count()
    await (await town.world.reset(booking, task=3)).result()

    async def counted_once() -> bool:  # the list follows the end of a workflow with a delay
        return await count() == before

    await until(counted_once)


async def test_nothing_is_written(town: Town) -> None:
    before = [town.dump(leg) for leg in Leg]
    await town.command()
    assert [town.dump(leg) for leg in Leg] == before


async def test_temporal_is_away(town: Town) -> None:
    status, output = await town.command(TEMPORAL_ADDRESS="127.0.0.1:1")
    assert status == 2
    assert "Temporal at 127.0.0.1:1 cannot be reached" in output
    assert "Traceback" not in output


async def test_the_books_are_not_there(town: Town, tmp_path: Path) -> None:
    """Most likely DATA_DIR is another than the worker's."""
    status, output = await town.command(CAR_SUPPLIER=f"sqlite:///{tmp_path}/none.db")
    assert status == 2
    assert "no books of the car supplier" in output
    assert not os.listdir(tmp_path)


async def test_the_books_cannot_be_read(town: Town, tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is no database" * 100)
    status, output = await town.command(HOTEL_SUPPLIER=f"sqlite:///{tmp_path}/no.db")
    assert status == 2
    assert "The hotel supplier's database cannot be read: file is not a database" in output
    assert "Traceback" not in output


async def test_a_partner_is_asked_key_by_key(town: Town) -> None:
    lost, kept = await town.booked(), await town.booked()
    with serving(create_service(town.world.car)) as url:
        status, output = await town.command(CAR_SUPPLIER=url)
        assert (status, "service over HTTP" in output) == (0, True), output
        with town.damaged(
            Leg.CAR, "DELETE FROM reservation WHERE key LIKE :key", key=f"{lost.id}:%"
        ):
            status, output = await town.command(CAR_SUPPLIER=url)
    assert status == 1
    assert lost.id in output
    assert kept.id not in output


async def test_a_partner_is_asked_with_the_worker_s_token(town: Town) -> None:
    await town.booked()
    token = "0123456789abcdef"  # noqa: S105
    with serving(create_service(town.world.car, [token].__contains__)) as url:
        status, output = await town.command(CAR_SUPPLIER=url, CAR_SUPPLIER_TOKEN=token)
        assert status == 0, output
        status, output = await town.command(CAR_SUPPLIER=url)
    assert (status, "status 401" in output) == (2, True), output


async def test_a_partner_that_never_ends_its_answer(town: Town) -> None:
    await town.booked()
    with partner(NeverEnds(200)) as url:
        status, output = await town.command(CAR_SUPPLIER=url)
    assert (status, "Traceback" in output) == (2, False), output
    assert "The car supplier does not respond" in output


async def test_a_partner_is_away(town: Town) -> None:
    status, output = await town.command(CAR_SUPPLIER="http://127.0.0.1:1")
    assert status == 2
    assert "The car supplier does not respond" in output
