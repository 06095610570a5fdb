"""The words on a booking's page: the headline, what is happening, and each leg's state."""

from datetime import datetime, timedelta

from bookings.attention import Cause
from bookings.audited import Audited
from bookings.history import BookingLeg, Condition
from bookings.reading import Booking
from shared import DECLINED, LegState, Status

HEADLINES = {
    Status.RUNNING: "Booking your trip …",
    Status.UNDOING: "Undoing your trip …",
    Status.NEEDS_ATTENTION: "Your trip needs attention",
    Status.BOOKED: "Your trip is booked",
    Status.CANCELLED: "Your trip was cancelled",
}

STATUS_WORDS = {
    Status.RUNNING: "Running",
    Status.UNDOING: "Undoing",
    Status.NEEDS_ATTENTION: "Needs attention",
    Status.BOOKED: "Booked",
    Status.CANCELLED: "Cancelled",
}

LEG_WORDS = {
    LegState.NOT_ATTEMPTED: "not attempted",
    LegState.BOOKING: "being booked",
    LegState.BOOKED: "booked",
    LegState.REFUSED: "refused",
    LegState.FAILED: "failed",
    LegState.UNDOING: "being undone",
    LegState.UNDONE: "undone",
    LegState.SETTLED: "settled by staff",
}

CAUSES = {
    Cause.CAR: "The car cannot be undone",
    Cause.HOTEL: "The hotel cannot be undone",
    Cause.FLIGHT: "The flight cannot be undone",
    Cause.BUG: "Suspended by a bug",
    Cause.STOPPED: "Stopped from outside",
}
"""Why bookings need staff, on the desk."""

IN_PROGRESS = {LegState.BOOKING, LegState.UNDOING}


def headline(booking: Booking) -> str:
    """The headline, and the title of the page."""
    match booking.condition:
        case Condition.CANCELLING:
            return "Cancelling your trip …"
        case Condition.SUSPENDED:
            return "Your trip is on hold"
    return HEADLINES[booking.status]


def what_happens(booking: Booking) -> str:
    """One sentence about what is happening, or about the outcome."""
    legs = [leg for leg in booking.legs if leg.state in IN_PROGRESS]
    match booking.condition:
        case Condition.STOPPED:
            return "This booking was stopped from outside. Nothing is being tried any more."
        case Condition.SUSPENDED:
            return "A bug in our software has suspended it. It will continue once that is fixed."
        case Condition.CANCELLING if legs:
            return f"Cancelling: the {legs[0].leg} is being finished first."
        case Condition.CANCELLING:
            return "Cancelling: nothing more will be booked."
    match booking.status:
        case Status.BOOKED:
            return "The car, the hotel and the flight are yours."
        case Status.CANCELLED if any(leg.state is LegState.SETTLED for leg in booking.legs):
            return "Nothing is booked. Our staff settled by hand what could not be undone."
        case Status.CANCELLED:
            return "Nothing is booked, and nothing is held for you."
        case Status.NEEDS_ATTENTION:
            names = " and ".join(f"the {leg.leg}" for leg in legs) or "it"
            told = " Our staff have been told." if booking.staff_told else ""
            trying = "We keep trying until it works."
            return f"Undoing {names} is taking longer than it should. {trying}{told}"
    if legs:
        return attempt(legs[0])
    if all(leg.state is LegState.NOT_ATTEMPTED for leg in booking.legs):
        return "We have your booking and are about to start."
    if all(leg.state is LegState.BOOKED for leg in booking.legs):
        return "All three are booked."
    return "Starting the next step."


def attempt(leg: BookingLeg) -> str:
    """One sentence about a leg that is being booked or undone, or waits for its next attempt."""
    if leg.state is LegState.UNDOING:
        return f"Undoing the {leg.leg}, so nothing stays booked."
    if leg.next_attempt_at and leg.attempts:
        return f"The {leg.leg} could not be booked yet: attempt {leg.attempts} failed."
    if leg.attempts > 1:
        return f"Booking the {leg.leg}, attempt {leg.attempts}."
    return f"Booking the {leg.leg}."


def why(reason: str) -> str:
    """A reason for travellers: the API's own text for an invalid item means nothing to them."""
    return DECLINED.get(reason, reason)


def due(booking: Booking) -> datetime | None:
    """When the next step is due; None while a step is running, or a bug keeps it from running.

    If that time is long past and nothing has changed, no worker is running.
    """
    if booking.condition is Condition.SUSPENDED:
        return None
    times = [leg.next_attempt_at for leg in booking.legs if leg.state in IN_PROGRESS]
    known = [time for time in times if time]
    if len(known) < len(times):
        return None
    return max(known, default=booking.started_at)


def moment(time: datetime) -> str:
    """A time, as pages show it."""
    return f"{time:%-d %b %Y, %H:%M:%S} UTC"


def duration(span: timedelta) -> str:
    """A duration, as pages show it."""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def audit_words(audited: Audited, now: datetime) -> str:
    """The result of the last audit, as the desk shows it."""
    trips, violations = number_of("trip", audited.trips), number_of("violation", audited.violations)
    return f"{trips}, {violations}, {ago(audited.at, now)}"


def number_of(noun: str, number: int) -> str:
    """A number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ago(time: datetime, now: datetime) -> str:
    """How long ago a time was."""
    seconds = max(0, int((now - time).total_seconds()))
    minutes = seconds // 60
    if minutes < 1:
        return f"{seconds} s ago"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 60 // 24} days ago"
