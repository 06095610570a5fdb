"""Ready-made trips for the form: each shows one thing that a saga does."""

from typing import NamedTuple

SOLD_OUT_FLIGHT = "sold-out-flight-id"


class Scenario(NamedTuple):
    """What to fill in, and what will be seen."""

    title: str
    shows: str
    car: str = "valid-car-id"
    hotel: str = "valid-hotel-id"
    flight: str = "valid-flight-id"
    attempts: int = 1


SCENARIOS = (
    Scenario("All goes well", "Car, hotel and flight are booked at once."),
    Scenario(
        "Recover forward",
        "Each service is down four times; the booking tries on, and succeeds.",
        attempts=5,
    ),
    Scenario(
        "Recover backward",
        "The hotel is refused, so the car is undone: nothing is booked.",
        hotel="invalid-hotel-id",
    ),
    Scenario(
        "Sold out",
        "The last leg has no unit left, so the first two are undone.",
        flight=SOLD_OUT_FLIGHT,
    ),
    Scenario(
        "Slow supplier",
        "The hotel takes five seconds. Cancel or kill something meanwhile.",
        hotel="slow-hotel-id",
    ),
    Scenario(
        "Stuck undo",
        "The car cannot be undone when the flight is refused: staff have to look at it.",
        car="stuck-car-id",
        flight="invalid-flight-id",
    ),
)
