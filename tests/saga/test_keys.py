"""Promise 3, for the day after Temporal has forgotten: a booking id that is used again.

Temporal is not made to forget; these tests start workflows in a way that allows the same id again.
"""

import asyncio

import pytest

from shared import BookVacationInput, Leg, LegState, Status
from tests.saga.world import QUICK, Late, World, down


async def test_another_request_never_touches_the_older_trip(world: World) -> None:
    async with world.worker():
        older = await world.start()
        await older.result()
        kept = {leg: world.suppliers[leg].held()[0].key for leg in Leg}
        world.flight.set_stock("another flight", 0)
        newer = await world.start(booking_id=older.id, book_flight_id="another flight")
        await newer.result()
    assert {leg: world.suppliers[leg].held()[0].key for leg in Leg} == kept


async def test_the_same_request_holds_what_it_held(world: World) -> None:
    async with world.worker():
        older = await world.start()
        await older.result()
        newer = await world.start(booking_id=older.id)
        await newer.result()
    assert [len(supplier.held()) for supplier in world.suppliers.values()] == [1, 1, 1]


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_the_same_request_that_is_undone_leaves_nothing_of_the_older_trip(
    world: World, how: str
) -> None:
    """Also no leg that it had not come to: the older trip holds that under the same key."""
    async with world.worker():
        older = await world.start()
        await older.result()
        late = Late()
        world.hotel.on_reserve = [late] if how == "cancelled" else []
        world.hotel.always_on_reserve = down
        pace = QUICK.model_copy(update={"leg_deadline": 2})
        newer = await world.start(pace, booking_id=older.id, keyed=True)
        if how == "cancelled":
            await asyncio.to_thread(late.reached.wait)
            await newer.cancel()
            late.go.set()
            outcome = await world.cancelled(newer)
        else:
            outcome = await newer.result()
    assert outcome.status is Status.CANCELLED
    assert world.held(newer) == []
    assert outcome.legs[2].state is LegState.NOT_ATTEMPTED


def test_the_fingerprint_is_of_what_was_asked_for() -> None:
    asked = {"book_user_id": "a-1", "book_car_id": "c", "book_hotel_id": "h", "book_flight_id": "f"}
    trip = BookVacationInput.model_validate(asked)
    same = BookVacationInput.model_validate(asked | {"book_user_id": "a-2"})
    other = BookVacationInput.model_validate(asked | {"book_hotel_id": "g"})
    assert trip.fingerprint == same.fingerprint != other.fingerprint
    assert BookVacationInput.model_validate(trip.model_dump()).fingerprint == trip.fingerprint
