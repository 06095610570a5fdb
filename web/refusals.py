"""Why a request is refused before it is a booking's: one class each, which names the problem."""

from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    MisdirectedRequest,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
    UnsupportedMediaType,
)


class Unreadable(BadRequest):
    """The body is not JSON; the description says where."""

    description = "The body is not readable JSON: …"


class NotUtf8(BadRequest):
    """An HTML form in another encoding."""

    description = "The form is not UTF-8."


class FieldTwice(BadRequest):
    """An HTML form that can be read in two ways."""

    description = "The form has a field twice."


class BadKey(BadRequest):
    """An idempotency key that is none."""

    description = "The Idempotency-Key must be 1 to 255 visible ASCII characters."


class BadWait(BadRequest):
    """A preference that cannot be read."""

    description = "The Prefer header's wait must be a number of seconds: wait=10."


class BadFilter(BadRequest):
    """A filter of the desk that cannot be read."""

    description = (
        "The reason must be car, hotel, flight, bug or stopped, and the days must be like "
        "2026-11-26, the first no later than the last."
    )


class Unidentified(Unauthorized):
    """The token is missing or unknown."""

    description = "Send your token: Authorization: Bearer <token>."


class OtherSite(Forbidden):
    """A page of another site made a browser send it."""

    description = "This request came from another site, and was refused."


class StaffOnly(Forbidden):
    """A client asked for what is for staff."""

    description = "This is for staff: sign in with one of STAFF_TOKENS."


class NotJson(UnsupportedMediaType):
    """A body of another type."""

    description = "Send JSON, as Content-Type: application/json."


class OtherHost(MisdirectedRequest):
    """The request names a host that is not the service's."""

    description = (
        "The service does not go by this name. Use its own; its operator can set PUBLIC_URL to "
        "another."
    )


class NoteMissing(UnprocessableEntity):
    """An act of staff without words about it."""

    description = "Write in words what was done, such as: phoned the hotel, it is released."


class NoStaffLog(ServiceUnavailable):
    """An act of staff that could not be written down first."""

    description = (
        "The staff log cannot be written, so nothing was done. The service's log says why."
    )


class TooFast(TooManyRequests):
    """The client's rate is used up."""

    description = "You are sending requests faster than you may. Try again in a second."


class TooManyWaiting(TooManyRequests):
    """The client holds all the waiting places that it may have."""

    description = "Too many of your requests are waiting for their bookings. Try again soon."


class TooManyOpen(TooManyRequests):
    """The client has all the open bookings that it may have."""

    description = "Too many of your bookings have not ended yet. Try again soon."


class TooManyMails(TooManyRequests):
    """The client, or the address, gets no more mail now."""

    description = "Too many bookings with an `email`. Try again later, or without one."


class NoPlace(ServiceUnavailable):
    """All waiting places are taken."""

    description = "Too many requests are waiting for their bookings. Try again soon."
