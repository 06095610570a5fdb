"""What the naive service's processes share."""

from dataclasses import dataclass

TASK_QUEUE = "naive"


@dataclass
class BookInput:
    """A trip."""

    user: str
    car: str
    hotel: str
    flight: str
