"""Ready-made trips for the form: each demonstrates one thing that a saga does."""

from typing import NamedTuple

from shared import Leg
from suppliers.rehearsal import SOLD_OUT_FLIGHT


class Scenario(NamedTuple):
    """A trip, and what it demonstrates."""

    title: str
    shows: str
    car: str = "valid-car-id"
    hotel: str = "valid-hotel-id"
    flight: str = "valid-flight-id"
    attempts: int = 1


SCENARIOS = (
    Scenario("All goes well", "Car, hotel and flight are booked, one after the other."),
    Scenario(
        "Recover forward",
        "Each supplier fails four times. Temporal retries until all three are booked.",
        attempts=5,
    ),
    Scenario(
        "Recover backward",
        "The hotel refuses, so the car is undone. Nothing stays booked.",
        hotel="invalid-hotel-id",
    ),
    Scenario(
        "Sold out",
        "The last of the three, the flight, is sold out. The hotel and the car are undone.",
        flight=SOLD_OUT_FLIGHT,
    ),
    Scenario(
        "Slow supplier",
        "The hotel takes five seconds: time to cancel, or to kill something.",
        hotel="slow-hotel-id",
    ),
    Scenario(
        "Stuck undo",
        "The flight refuses, and the car cannot be undone: after ten seconds it is flagged.",
        car="stuck-car-id",
        flight="invalid-flight-id",
    ),
)

LONG_TRIP = Scenario(
    "A slow trip",
    "Each of the three suppliers takes five seconds.",
    car="slow-car-id",
    hotel="slow-hotel-id",
    flight="slow-flight-id",
)


EXAMPLES = {Leg.CAR: "compact car", Leg.HOTEL: "Grand Hotel", Leg.FLIGHT: "morning flight"}
"""What a service without rehearsals shows in its place."""


class Suggestion(NamedTuple):
    """An item that a field of the form suggests, and what it does."""

    name: str
    shows: str


SUGGESTIONS = {
    leg: [
        Suggestion(f"valid-{leg}-id", "can be booked"),
        Suggestion(f"invalid-{leg}-id", "is refused"),
        Suggestion(f"slow-{leg}-id", "takes five seconds"),
        Suggestion(f"stuck-{leg}-id", "can be booked, but not undone"),
    ]
    for leg in Leg
}
SUGGESTIONS[Leg.FLIGHT].append(Suggestion(SOLD_OUT_FLIGHT, "is sold out"))
