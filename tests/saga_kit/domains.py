"""Five domains as tables of steps, one partner a step: what it changes there."""

from dataclasses import dataclass, field

from saga import Verb
from tests.saga_kit.table import Row

PIVOT, AFTER = Verb.PIVOT, Verb.AFTER


@dataclass(frozen=True)
class Domain:
    """A table of steps, and sets of accounts whose sum no step and no undo may change."""

    rows: list[Row]
    cases: int
    sums: list[set[str]] = field(default_factory=list)


DOMAINS = {
    # Nobody pays for what does not come: the confirmation decides.
    "order": Domain(
        [
            Row("stock", {"mugs free": -1, "mugs reserved": 1}),
            Row("payment", {"customer": -1200, "shop": 1200}),
            Row("confirmation", {"confirmed orders": 1}, PIVOT),
            Row("shipment", {"mugs reserved": -1, "mugs shipped": 1}, AFTER),
        ],
        cases=119,
        sums=[{"mugs free", "mugs reserved", "mugs shipped"}, {"customer", "shop"}],
    ),
    # Money is never in two banks, nor in none; the screening leaves nothing to undo.
    "bank transfer": Domain(
        [
            Row("screening", {}, undone=False),
            Row("limit", {"Ann's transfers of today": 100}),
            Row("hold", {"Ann": -100, "held for Ben": 100}),
            Row("clearing", {"cleared transfers": 1}, PIVOT),
            Row("credit", {"held for Ben": -100, "Ben": 100}, AFTER),
            Row("statement", {"letters to Ann": 1}, AFTER),
        ],
        cases=158,
        sums=[{"Ann", "held for Ben", "Ben"}],
    ),
    # All three or none; no step decides, so that each can be undone until the last is done.
    "trip": Domain(
        [
            Row("car", {"cars free": -1, "cars booked": 1}),
            Row("hotel", {"rooms free": -1, "rooms booked": 1}),
            Row("flight", {"seats free": -1, "seats booked": 1}),
        ],
        cases=126,
        sums=[{f"{it} free", f"{it} booked"} for it in ("cars", "rooms", "seats")],
    ),
    # No pallet gets lost: what has left one warehouse arrives in the other.
    "stock between warehouses": Domain(
        [
            Row("space in the north", {"shelves free": -1, "shelves reserved": 1}),
            Row("truck", {"trucks free": -1, "trucks booked": 1}),
            Row("pallet in the south", {"south": -1, "at the gate": 1}),
            Row("departure", {"trips": 1}, PIVOT),
            Row("loading", {"at the gate": -1, "on the road": 1}, AFTER),
            Row("arrival", {"on the road": -1, "north": 1}, AFTER),
        ],
        cases=178,
        sums=[{"south", "at the gate", "on the road", "north"}, {"trucks free", "trucks booked"}],
    ),
    # A licence is paid for, and what is paid for is licensed; a coupon is spent once.
    "subscription": Domain(
        [
            Row("coupon", {"coupons": -1, "coupons spent": 1}),
            Row("authorisation", {"card": -900, "authorised": 900}),
            Row("activation", {"licences": 1}, PIVOT),
            Row("capture", {"authorised": -900, "revenue": 900}, AFTER),
        ],
        cases=119,
        sums=[{"coupons", "coupons spent"}, {"card", "authorised", "revenue"}],
    ),
}
