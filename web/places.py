"""The waiting places: how many requests may wait for an outcome at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from web.problems import Unavailable

NO_PLACE = "Too many requests are waiting for their bookings. Try again soon."


class Places:
    """A number of places, none of which is handed out twice; for one event loop, without locks."""

    def __init__(self, count: int) -> None:
        self.free = count

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Unavailable: All are taken. Nothing was started.
        """
        if not self.free:
            raise Unavailable(NO_PLACE)
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1
