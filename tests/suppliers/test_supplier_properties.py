"""A supplier against a model of it, in any order of calls that Hypothesis can think of."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from suppliers import Fenced, Invalid, Refused, SoldOut
from suppliers.sql import SqlSupplier
from suppliers.sql_schema import Stock
from tests.suppliers.shops import NewDatabase

# Few of each, so that keys are fresh, repeated and stale, and stock runs out.
keys = st.sampled_from([f"trip-{number}:flight" for number in range(6)])
items = st.sampled_from(["Alaska Airlines 123", "Ünïcödé 🛫"])
capacities = st.none() | st.integers(0, 3)


class SupplierMachine(RuleBasedStateMachine):
    """Every call must be answered as the model answers it, and leave the same stock behind."""

    def __init__(self, database: str) -> None:
        super().__init__()
        self.supplier = SqlSupplier(database, "flight")
        self.capacity: dict[str, int | None] = {}
        self.booked: dict[str, str] = {}
        self.released: set[str] = set()
        self.ever_booked: set[str] = set()

    def teardown(self) -> None:
        self.supplier.close()

    def taken(self, item: str) -> int:
        return list(self.booked.values()).count(item)

    def refusal(self, key: str, item: str) -> type[Refused] | None:
        """How the model answers a reserve."""
        capacity = self.capacity.get(item)
        if key in self.released:
            return Fenced
        if key in self.booked:
            return None if self.booked[key] == item else Invalid
        return SoldOut if capacity is not None and self.taken(item) >= capacity else None

    @rule(key=keys, item=items)
    def reserve(self, key: str, item: str) -> None:
        expected, answer = self.refusal(key, item), None
        try:
            self.supplier.reserve(key, item, "Ada")
        except Refused as refusal:
            answer = type(refusal)
        assert answer == expected
        if answer is None:
            self.booked[key] = item
            self.capacity.setdefault(item, None)

    @rule(key=keys)
    def release(self, key: str) -> None:
        self.ever_booked |= self.booked.keys()
        assert self.supplier.release(key) is (key in self.ever_booked)
        self.booked.pop(key, None)
        self.released.add(key)

    @rule(item=items, capacity=capacities)
    def set_stock(self, item: str, capacity: int | None) -> None:
        fits = capacity is None or self.taken(item) <= capacity
        try:
            self.supplier.set_stock(item, capacity)
        except Invalid:
            assert not fits
        else:
            assert fits
            self.capacity[item] = capacity

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        assert self.supplier.stock() == [
            Stock(item, capacity, taken=self.taken(item), booked=self.taken(item))
            for item, capacity in sorted(self.capacity.items())
        ]
        assert {held.key: held.item for held in self.supplier.held()} == self.booked


def test_a_supplier_does_what_its_model_does(new_database: NewDatabase) -> None:
    class Machine(SupplierMachine):
        def __init__(self) -> None:
            super().__init__(new_database())

    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=25, stateful_step_count=25, deadline=None),
    )
