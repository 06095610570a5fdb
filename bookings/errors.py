"""The errors of requests about bookings; each text is for the client."""


class BookingError(Exception):
    """A request that cannot be carried out."""

    text = ""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.text)


class NoSuchBooking(BookingError):
    """The client has no booking with that id."""

    text = "There is no such booking."


class NoLongerKept(NoSuchBooking):
    """The id is from before the time for which Temporal keeps bookings."""

    text = "Bookings from that time are no longer kept."


class KeyUsed(BookingError):
    """Another request has started a booking with that id."""

    text = "This Idempotency-Key was used for another request."


class Stopped(BookingError):
    """The booking was stopped from outside, so no workflow is left to cancel it."""

    text = "The booking was stopped from outside. Staff must check what it holds."


class NotStuck(BookingError):
    """Staff wanted to settle or retry an undo that is not stuck, or has just succeeded."""

    text = "Its undo is not stuck, so there is nothing to do."


class NoWorker(BookingError):
    """No worker responded; whether the act was done is unknown, and it is safe to repeat."""

    text = "No worker responded. Start one, and try again."


class CannotRetry(BookingError):
    """This Temporal server has no way to make a pending step run at once."""

    text = (
        "This Temporal server cannot run a step at once. Wait for the next attempt: it comes by "
        "itself, after 30 seconds at most."
    )


class BadCursor(BookingError):
    """No page of this list has issued the cursor."""

    text = "The cursor does not belong to this list. Start at the first page."


class NotSearchable(BookingError):
    """The list is filtered, and the server lacks the search attributes."""

    text = (
        "Lists cannot be filtered: this Temporal server lacks the search attributes "
        "BookingStatus, Traveller, Owner and SearchWords. Create them, or omit the filters."
    )


class Overloaded(BookingError):
    """The workers are too far behind; nothing was started."""

    text = "There is more to book than the service can do at the moment. Try again soon."


class CannotDecrypt(BookingError):
    """What Temporal has is encrypted, and this process lacks the key; its log says which."""

    text = "The service lacks the key to read this. Staff must add it; nothing is lost."


class TemporalAway(BookingError):
    """Temporal is unreachable: the outcome is unknown, and the request is safe to retry.

    `booking_id` names the booking that may have been started.
    """

    text = "The booking service cannot reach Temporal. Try again soon."

    def __init__(self, booking_id: str | None = None) -> None:
        super().__init__()
        self.booking_id = booking_id
