"""The audit can fail: each kind of violation is planted, and reported with its booking's id."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from operations.audit.auditor import audit
from operations.audit.findings import Kind
from operations.audit.shops import PartnerShop
from shared import Leg
from suppliers.exchange import Access
from suppliers.service import create_service
from tests.operations.town import Town, new_booking_id
from tests.saga.world import Late, until
from tests.suppliers.shops import serving

TAKE = "UPDATE stock SET taken = taken + 1 WHERE item = :item"
GIVE_BACK = "UPDATE stock SET taken = taken - 1 WHERE item = :item"
HOLD = (
    "INSERT INTO reservation VALUES (:key, :item, 'John Doe', 'booked', :since, :since)",
    "INSERT INTO ledger (at, key, item, event, note) VALUES (:since, :key, :item, 'booked', '')",
    TAKE,
)
NOW, LONG_AGO = "2999-01-01 00:00:00", "2001-01-01 00:00:00"


@pytest_asyncio.fixture(autouse=True)
async def _clean_before_and_after(town: Town) -> AsyncIterator[None]:
    assert (await town.audit()).violations == []
    yield
    assert (await town.audit()).violations == []


async def expect(town: Town, *expected: tuple[Kind, str | None, Leg | None]) -> None:
    """The audit reports exactly these violations."""
    report = await town.audit()
    found = [(one.kind, one.booking_id, one.leg) for one in report.violations]
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("leg", Leg)
async def test_a_booked_trip_lacks_a_leg(town: Town, leg: Leg) -> None:
    booking = await town.booked()
    with town.damaged(
        leg,
        "DELETE FROM reservation WHERE key LIKE :key",
        "DELETE FROM ledger WHERE key LIKE :key",
        GIVE_BACK,
        key=f"{booking.id}:%",
        item=f"a {leg}",
    ):
        await expect(town, (Kind.MISSING, booking.id, leg))


async def test_a_cancelled_trip_still_holds_a_leg(town: Town) -> None:
    booking = await town.cancelled()
    with town.damaged(
        Leg.HOTEL,
        "UPDATE reservation SET state = 'booked' WHERE key LIKE :key",
        "DELETE FROM ledger WHERE key LIKE :key AND event = 'released'",
        TAKE,
        key=f"{booking.id}:%",
        item="a hotel",
    ):
        await expect(town, (Kind.LEFT_OVER, booking.id, Leg.HOTEL))


async def test_something_is_held_for_a_booking_that_does_not_exist(town: Town) -> None:
    booking_id = new_booking_id()
    key = f"{booking_id}:f00d:car"
    with town.damaged(Leg.CAR, *HOLD, key=key, item="a car", since=NOW):
        await expect(town, (Kind.UNKNOWN, booking_id, Leg.CAR))


async def test_a_trip_holds_a_leg_twice(town: Town) -> None:
    booking = await town.booked()
    key = f"{booking.id}:f00d:flight"
    with town.damaged(Leg.FLIGHT, *HOLD, key=key, item="a flight", since=NOW):
        await expect(town, (Kind.DUPLICATE, booking.id, Leg.FLIGHT))


async def test_a_leg_is_held_at_the_wrong_supplier(town: Town) -> None:
    booking = await town.booked()
    key = f"{booking.id}:f00d:flight"
    with town.damaged(Leg.CAR, *HOLD, key=key, item="a car", since=NOW):
        await expect(town, (Kind.DUPLICATE, booking.id, Leg.CAR))


@pytest.mark.parametrize("change", [TAKE, GIVE_BACK])
async def test_a_stock_is_off_by_one(town: Town, change: str) -> None:
    await town.booked()
    with town.damaged(Leg.CAR, change, item="a car"):
        await expect(town, (Kind.STOCK, None, Leg.CAR))


async def test_an_item_is_oversold(town: Town) -> None:
    await town.booked(book_hotel_id="the last room")
    with town.damaged(
        Leg.HOTEL, "UPDATE stock SET capacity = 0 WHERE item = :item", item="the last room"
    ):
        await expect(town, (Kind.OVERSOLD, None, Leg.HOTEL))


async def test_a_trip_holds_another_item_than_was_booked(town: Town) -> None:
    booking = await town.booked()
    with town.damaged(
        Leg.CAR,
        "UPDATE reservation SET item = :other WHERE key LIKE :key",
        "UPDATE ledger SET item = :other WHERE key LIKE :key",
        GIVE_BACK,
        "INSERT INTO stock VALUES (:other, NULL, 1)",
        key=f"{booking.id}:%",
        item="a car",
        other="a smaller car",
    ):
        await expect(town, (Kind.WRONG_ITEM, booking.id, Leg.CAR))


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM ledger WHERE key LIKE :key",
        "UPDATE ledger SET item = 'another' WHERE key LIKE :key",
        "INSERT INTO ledger (at, key, item, event, note)"
        " SELECT at, key, item, 'released', '' FROM ledger WHERE key LIKE :key",
    ],
)
async def test_the_ledger_does_not_explain_a_reservation(town: Town, change: str) -> None:
    booking = await town.booked()
    with town.damaged(Leg.CAR, change, key=f"{booking.id}:%"):
        await expect(town, (Kind.LEDGER, booking.id, Leg.CAR))


async def test_a_workflow_was_terminated_while_it_holds_something(town: Town) -> None:
    hotel = Late()
    town.world.hotel.on_reserve = [hotel]
    booking = await town.world.start()
    await until(hotel.reached.is_set)
    await booking.terminate("an operator's mistake")
    hotel.go.set()
    await until(hotel.over.is_set)
    await expect(town, (Kind.STOPPED_HOLDING, booking.id, None))
    for held in [*town.world.car.held(), *town.world.hotel.held()]:
        if held.key.startswith(booking.id):
            town.world.car.release(held.key)
            town.world.hotel.release(held.key)
    [note] = [one for one in (await town.audit()).findings if one.booking_id == booking.id]
    assert note.kind is Kind.STOPPED


async def test_what_temporal_has_forgotten_is_judged_at_the_suppliers_alone(town: Town) -> None:
    key = f"{new_booking_id()}:f00d"

    def held(leg: Leg) -> dict[str, str]:
        return {"key": f"{key}:{leg}", "item": f"a {leg}", "since": LONG_AGO}

    with (
        town.damaged(Leg.CAR, *HOLD, **held(Leg.CAR)),
        town.damaged(Leg.HOTEL, *HOLD, **held(Leg.HOTEL)),
    ):
        await expect(town, (Kind.INCOMPLETE, key.partition(":")[0], None))
        with town.damaged(Leg.FLIGHT, *HOLD, **held(Leg.FLIGHT)):
            report = await town.audit()
            assert (report.past_retention, report.violations) == (1, [])


async def test_a_forgotten_trip_is_told_from_an_unknown_one(town: Town) -> None:
    key = f"{new_booking_id()}:f00d"
    nameless = "UPDATE reservation SET traveller = '' WHERE key = :key"

    def held(leg: Leg) -> dict[str, str]:
        return {"key": f"{key}:{leg}", "item": f"a {leg}", "since": NOW}

    with (
        town.damaged(Leg.CAR, *HOLD, nameless, **held(Leg.CAR)),
        town.damaged(Leg.HOTEL, *HOLD, nameless, **held(Leg.HOTEL)),
    ):
        await expect(town, (Kind.INCOMPLETE, key.partition(":")[0], None))
        with town.damaged(Leg.FLIGHT, *HOLD, **held(Leg.FLIGHT)):
            await expect(
                town,
                (Kind.UNKNOWN, key.partition(":")[0], Leg.FLIGHT),
            )
        with town.damaged(Leg.FLIGHT, *HOLD, nameless, **held(Leg.FLIGHT)):
            report = await town.audit()
            assert (report.forgotten, report.past_retention, report.violations) == (1, 0, [])


async def test_a_forgotten_trip_is_whole_without_the_legs_that_only_a_partner_sees(
    town: Town,
) -> None:
    key = f"{new_booking_id()}:f00d"
    nameless = "UPDATE reservation SET traveller = '' WHERE key = :key"
    with ExitStack() as stack:
        for leg in (Leg.HOTEL, Leg.FLIGHT):
            held = {"key": f"{key}:{leg}", "item": f"a {leg}", "since": NOW}
            stack.enter_context(town.damaged(leg, *HOLD, nameless, **held))
        url = stack.enter_context(serving(create_service(town.world.car)))
        shops = [PartnerShop(url, Leg.CAR, Access()), *town.shops[1:]]
        report = await audit(town.world.client, shops, moment=0.02)
    assert (report.forgotten, report.violations) == (1, [])


async def test_a_key_used_again_leaves_the_older_trip_alone(town: Town) -> None:
    """Temporal had forgotten the first trip of an idempotency key when a second one was made."""
    booking = await town.booked()
    key = f"{booking.id}:f00d:car"
    with town.damaged(Leg.CAR, *HOLD, key=key, item="a car", since=LONG_AGO):
        await expect(town, (Kind.INCOMPLETE, booking.id, None))
