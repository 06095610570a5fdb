"""What can be wrong with what is asked of bookings; each text is for whoever asked."""


class BookingError(Exception):
    """Something that cannot be done as asked."""

    text = ""

    def __init__(self) -> None:
        super().__init__(self.text)


class NoSuchBooking(BookingError):
    """The client has no booking of that id."""

    text = "There is no such booking."


class KeyUsed(BookingError):
    """There is a booking of that id, made of another request."""

    text = "This Idempotency-Key was used for another request."


class Stopped(BookingError):
    """The booking was stopped from outside, so that nothing is left to cancel it."""

    text = "The booking was stopped from outside. Staff have to check what it holds."


class BadCursor(BookingError):
    """The cursor is none that an earlier page of this list gave."""

    text = "The cursor is not one that this list gave. Begin at its first page."


class NotSearchable(BookingError):
    """There is a filter, and the server keeps no search attributes."""

    text = (
        "Lists cannot be filtered: this Temporal server lacks the search attributes "
        "BookingStatus, Traveller and Owner. Create them, or leave the filters out."
    )


class Overloaded(BookingError):
    """The workers are too far behind; nothing was started."""

    text = "There is more to book than the service can do at the moment. Try again soon."


class TemporalAway(BookingError):
    """The outcome is unknown, and the same request may be sent again after a second.

    `booking_id` names the booking that may have been started.
    """

    text = "The booking service cannot reach Temporal. Try again soon."

    def __init__(self, booking_id: str | None = None) -> None:
        super().__init__()
        self.booking_id = booking_id
