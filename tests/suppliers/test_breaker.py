"""Promise 13: a supplier that does not answer costs one call now and then, and an undo is tried."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest
from sqlalchemy.exc import SQLAlchemyError

from suppliers import Busy, Refused, SoldOut, Unavailable
from suppliers.breaker import ENOUGH, Breaker
from suppliers.exchange import Access
from suppliers.http import HttpSupplier
from suppliers.sql import SqlSupplier
from tests.suppliers.partners import never_answers, partner
from tests.suppliers.shops import ITEM, KEY
from tools.helpers.processes import wait_until


class Scripted:
    """A supplier that does what the test says."""

    def __init__(self) -> None:
        self.fails: Exception | None = Unavailable("no answer")
        self.calls: list[str] = []

    def reserve(self, key: str, item: str, traveller: str) -> None:
        self._do(item)

    def release(self, key: str) -> bool:
        self._do("release")
        return True

    def settle(self, key: str, note: str) -> None:
        self._do("settle")

    def forget(self, key: str) -> None:
        self._do("forget")

    def close(self) -> None:
        self.calls.append("close")

    def _do(self, call: str) -> None:
        self.calls.append(call)
        if self.fails:
            raise self.fails


class Clock:
    """The time, which passes when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("suppliers.breaker.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def supplier() -> Scripted:
    return Scripted()


@pytest.fixture
def breaker(supplier: Scripted, clock: Clock) -> Breaker:
    return Breaker(supplier, "hotel", pause=3)


def fail(breaker: Breaker, times: int = ENOUGH, item: str = "") -> None:
    for number in range(times):
        with pytest.raises(Unavailable):
            breaker.reserve(KEY, item or f"hotel {number}", "Ada")


def is_busy(breaker: Breaker) -> bool:
    try:
        breaker.reserve(KEY, "another", "Ada")
    except Busy:
        return True
    except (RuntimeError, Refused):
        pass
    return False


def test_bookings_fail_at_once_in_words_for_people(breaker: Breaker, supplier: Scripted) -> None:
    fail(breaker)
    asked = len(supplier.calls)
    with pytest.raises(Busy, match=r"^The hotel supplier is busy\.$"):
        breaker.reserve(KEY, ITEM, "Ada")
    assert len(supplier.calls) == asked


def test_a_few_failures_open_nothing(breaker: Breaker) -> None:
    fail(breaker, ENOUGH - 1)
    assert not is_busy(breaker)


def test_one_item_that_hangs_fails_no_other(breaker: Breaker) -> None:
    fail(breaker, 10 * ENOUGH, "a black hole")
    assert not is_busy(breaker)


@pytest.mark.parametrize(
    "answer", [None, SoldOut("none left"), RuntimeError("status 401, which says nothing")]
)
def test_any_answer_starts_anew(
    breaker: Breaker, supplier: Scripted, answer: Exception | None
) -> None:
    fail(breaker, ENOUGH - 1)
    supplier.fails = answer
    assert not is_busy(breaker)
    supplier.fails = Unavailable("no answer")
    fail(breaker, ENOUGH - 1)
    assert not is_busy(breaker)


def test_refusals_are_no_failures(breaker: Breaker, supplier: Scripted) -> None:
    supplier.fails = SoldOut("none left")
    for _ in range(3 * ENOUGH):
        assert not is_busy(breaker)


def test_one_booking_is_let_through_after_each_pause(
    breaker: Breaker, supplier: Scripted, clock: Clock
) -> None:
    fail(breaker)
    for _ in range(2):
        assert is_busy(breaker)
        clock.now += 3
        assert not is_busy(breaker)
        assert is_busy(breaker)
    clock.now += 3
    supplier.fails = None
    breaker.reserve(KEY, ITEM, "Ada")
    assert not is_busy(breaker)


def test_an_undo_is_always_tried_and_closes_it(breaker: Breaker, supplier: Scripted) -> None:
    fail(breaker)
    for _ in range(10):
        with pytest.raises(Unavailable):
            breaker.release(KEY)
        with pytest.raises(Unavailable):
            breaker.settle(KEY, "by Ann")
    assert is_busy(breaker)
    supplier.fails = None
    breaker.release(KEY)
    assert not is_busy(breaker)


def test_undos_that_fail_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(3 * ENOUGH):
        with pytest.raises(Unavailable):
            breaker.release(KEY)
    assert not is_busy(breaker)


def test_of_many_at_once_one_is_let_through(
    breaker: Breaker, supplier: Scripted, clock: Clock
) -> None:
    fail(breaker)
    asked = len(supplier.calls)
    clock.now += 3
    together = threading.Barrier(20)

    def book(number: int) -> bool:
        together.wait()
        return is_busy(breaker)

    with ThreadPoolExecutor(20) as threads:
        assert sorted(threads.map(book, range(20))) == [False] + [True] * 19
    assert len(supplier.calls) == asked + 1


def test_a_black_hole_is_called_now_and_then_and_the_others_do_not_wait() -> None:
    requests: list[bytes] = []
    with (
        partner(never_answers, requests) as url,
        closing(
            Breaker(HttpSupplier(url, "hotel", Access(deadline=0.5)), "hotel", pause=3600)
        ) as b,
        ThreadPoolExecutor(ENOUGH) as threads,
    ):
        calls = [threads.submit(b.reserve, KEY, f"hotel {n}", "Ada") for n in range(ENOUGH)]
        for call in calls:
            assert isinstance(call.exception(30), Unavailable)
        wait_until(lambda: len(requests) == ENOUGH)
        for number in range(1000):
            with pytest.raises(Busy):
                b.reserve(KEY, f"hotel {number}", "Ada")
        assert len(requests) == ENOUGH


@pytest.mark.parametrize("use", [lambda b: b.release(KEY), lambda b: b.settle(KEY, "by Ann")])
def test_a_database_can_be_wrapped(use: Callable[[Breaker], None]) -> None:
    away = SqlSupplier("postgresql://127.0.0.1:1/none", "hotel")
    with closing(Breaker(away, "hotel", (SQLAlchemyError,))) as breaker:
        for number in range(ENOUGH):
            with pytest.raises(SQLAlchemyError):
                breaker.reserve(KEY, f"hotel {number}", "Ada")
        with pytest.raises(Busy):
            breaker.reserve(KEY, ITEM, "Ada")
        with suppress(SQLAlchemyError):
            use(breaker)
