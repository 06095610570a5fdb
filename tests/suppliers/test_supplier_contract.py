"""What every supplier promises to the saga; `shop` is each kind of supplier in turn."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest

from suppliers import Fenced, Invalid, SoldOut
from tests.suppliers.shops import ITEM, KEY, OTHER_KEY, Shop


def test_reserve_holds_one_unit(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")

    assert shop.held == {KEY: ITEM}
    assert shop.taken == {ITEM: 1}
    [held] = shop.books.held()
    assert (held.traveller, held.state) == ("Ada", "booked")


def test_the_same_key_again_takes_no_second_unit(shop: Shop) -> None:
    shop.books.set_stock(ITEM, 1)
    for _ in range(3):
        shop.supplier.reserve(KEY, ITEM, "Ada")

    assert shop.held == {KEY: ITEM}
    assert shop.taken == {ITEM: 1}


def test_sold_out_is_refused_and_leaves_no_trace(shop: Shop) -> None:
    shop.books.set_stock(ITEM, 1)
    shop.supplier.reserve(KEY, ITEM, "Ada")

    with pytest.raises(SoldOut) as refusal:
        shop.supplier.reserve(OTHER_KEY, ITEM, "Bob")

    assert str(refusal.value) == 'Flight "Alaska Airlines 123" is sold out.'
    assert shop.held == {KEY: ITEM}
    assert shop.taken == {ITEM: 1}
    assert shop.books.find(OTHER_KEY) is None


def test_who_was_sold_out_can_try_again_when_a_unit_is_back(shop: Shop) -> None:
    shop.books.set_stock(ITEM, 1)
    shop.supplier.reserve(KEY, ITEM, "Ada")
    with pytest.raises(SoldOut):
        shop.supplier.reserve(OTHER_KEY, ITEM, "Bob")

    shop.supplier.release(KEY)
    shop.supplier.reserve(OTHER_KEY, ITEM, "Bob")

    assert shop.held == {OTHER_KEY: ITEM}


def test_a_name_is_forgotten_and_the_unit_stays_held(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")
    for _ in range(2):
        shop.supplier.forget(KEY)
    shop.supplier.reserve(KEY, ITEM, "Ada")  # a late repeat brings no name back

    assert (shop.held, shop.taken) == ({KEY: ITEM}, {ITEM: 1})
    assert [held.traveller for held in shop.books.held()] == [""]
    shop.supplier.release(KEY)
    assert (shop.held, shop.taken) == ({}, {ITEM: 0})


def test_a_release_forgets_the_name(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")
    shop.supplier.release(KEY)

    released = shop.books.find(KEY)
    assert released is not None
    assert (released.item, released.traveller) == (ITEM, "")


def test_what_is_not_known_can_be_forgotten(shop: Shop) -> None:
    shop.supplier.forget(KEY)
    assert shop.books.find(KEY) is None


def test_release_gives_back_once(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")
    shop.supplier.reserve(OTHER_KEY, ITEM, "Bob")
    for _ in range(3):
        shop.supplier.release(KEY)

    assert shop.held == {OTHER_KEY: ITEM}
    assert shop.taken == {ITEM: 1}


def test_release_of_what_was_never_booked_fences_the_key(shop: Shop) -> None:
    shop.supplier.release(KEY)
    shop.supplier.release(KEY)

    with pytest.raises(Fenced, match="cancelled"):
        shop.supplier.reserve(KEY, ITEM, "Ada")
    assert shop.held == {}
    assert shop.taken == {}


def test_a_release_says_whether_anything_was_held_however_often_it_is_asked(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")

    assert [shop.supplier.release(KEY) for _ in range(3)] == [True, True, True]
    assert [shop.supplier.release(OTHER_KEY) for _ in range(3)] == [False, False, False]


def test_a_late_reserve_after_the_release_is_refused(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")
    shop.supplier.release(KEY)

    with pytest.raises(Fenced, match="cancelled"):
        shop.supplier.reserve(KEY, ITEM, "Ada")
    assert shop.held == {}
    assert shop.taken == {ITEM: 0}


def test_the_same_key_for_another_item_is_invalid(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")

    with pytest.raises(Invalid, match="Alaska Airlines 123"):
        shop.supplier.reserve(KEY, "Another flight", "Ada")
    assert shop.held == {KEY: ITEM}
    assert shop.taken == {ITEM: 1}


@pytest.mark.parametrize("text", ["", "x" * 201, "with a \0 in it"])
def test_what_cannot_be_stored_is_invalid(shop: Shop, text: str) -> None:
    with pytest.raises(Invalid, match="The item"):
        shop.supplier.reserve(KEY, text, "Ada")
    with pytest.raises(Invalid, match="The traveller"):
        shop.supplier.reserve(KEY, ITEM, text)

    assert shop.books.find(KEY) is None
    assert shop.taken == {}


@pytest.mark.parametrize("key", ["k" * 201, "with a \0 in it"])
def test_a_key_that_cannot_be_stored_is_invalid_and_can_be_released(shop: Shop, key: str) -> None:
    with pytest.raises(Invalid, match="The key"):
        shop.supplier.reserve(key, ITEM, "Ada")
    assert shop.supplier.release(key) is False

    assert shop.taken == {}


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE stock; --", "Ünïcödé 日本 🛫", "50% off? #1 & more", "x" * 200, "🛫" * 200],
)
def test_any_other_text_is_only_a_name(shop: Shop, text: str) -> None:
    key = f"{text[:20]}:flight"
    shop.supplier.reserve(key, text, text)
    assert shop.held == {key: text}
    assert shop.taken == {text: 1}

    shop.supplier.release(key)
    assert shop.held == {}
    assert shop.taken == {text: 0}


def test_the_last_unit_goes_to_one_of_twenty(shop: Shop) -> None:
    shop.books.set_stock(ITEM, 1)
    together = Barrier(20)

    def reserve(number: int) -> bool:
        together.wait()
        try:
            shop.supplier.reserve(f"trip-{number}:flight", ITEM, "Ada")
        except SoldOut:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = list(pool.map(reserve, range(20)))

    assert won.count(True) == 1
    assert shop.held == {f"trip-{won.index(True)}:flight": ITEM}
    assert shop.taken == {ITEM: 1}


def test_one_key_twenty_times_at_once_takes_one_unit(shop: Shop) -> None:
    together = Barrier(20)

    def reserve(_: int) -> None:
        together.wait()
        shop.supplier.reserve(KEY, ITEM, "Ada")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(reserve, range(20)))

    assert shop.held == {KEY: ITEM}
    assert shop.taken == {ITEM: 1}


def test_a_release_wins_against_reserves_at_the_same_moment(shop: Shop) -> None:
    together = Barrier(3)

    def reserve(key: str) -> None:
        together.wait()
        with suppress(Fenced):
            shop.supplier.reserve(key, ITEM, "Ada")

    def release(key: str) -> None:
        together.wait()
        shop.supplier.release(key)

    with ThreadPoolExecutor(3) as pool:
        for number in range(20):
            key = f"trip-{number}:flight"
            for done in [pool.submit(act, key) for act in (reserve, release, reserve)]:
                done.result()
            assert shop.held == {}

    assert shop.taken.get(ITEM, 0) == 0


def test_settle_releases_once_and_fences(shop: Shop) -> None:
    shop.supplier.reserve(KEY, ITEM, "Ada")
    for _ in range(3):
        shop.supplier.settle(KEY, "Settled by Ann: phoned & wrote")

    assert shop.held == {}
    assert shop.taken == {ITEM: 0}
    with pytest.raises(Fenced):
        shop.supplier.reserve(KEY, ITEM, "Ada")
