"""How a booking is told to people: its headline, what is happening now, and each leg's line."""

from datetime import datetime, timedelta

from bookings.history import BookingLeg
from bookings.reading import Booking
from shared import LegState, Status

HEADLINES = {
    Status.RUNNING: "Booking your trip …",
    Status.UNDOING: "Undoing your trip …",
    Status.NEEDS_ATTENTION: "Our staff are looking at your trip",
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

IN_PROGRESS = {LegState.BOOKING, LegState.UNDOING}


def what_happens(booking: Booking) -> str:
    """One sentence about what is happening now, or about what came of it."""
    legs = [leg for leg in booking.legs if leg.state in IN_PROGRESS]
    match booking.status:
        case Status.BOOKED:
            return "The car, the hotel and the flight are yours."
        case Status.CANCELLED if any(leg.state is LegState.SETTLED for leg in booking.legs):
            return "Our staff have settled by hand what could not be undone."
        case Status.CANCELLED:
            return "Nothing is booked, and nothing is held for you."
        case Status.NEEDS_ATTENTION if legs:
            names = " and ".join(f"the {leg.leg}" for leg in legs)
            return f"Undoing {names} takes too long. It is tried again until it works."
        case Status.NEEDS_ATTENTION:
            return "Nobody is working on it any more."
    if legs:
        return attempt(legs[-1])
    if all(leg.state is LegState.NOT_ATTEMPTED for leg in booking.legs):
        return "Your booking has been taken, and is about to start."
    if all(leg.state is LegState.BOOKED for leg in booking.legs):
        return "All three are booked."
    return "On to the next step."


def attempt(leg: BookingLeg) -> str:
    """One sentence about a leg that is being tried, or waits for its next try."""
    if leg.state is LegState.UNDOING:
        return f"Undoing the {leg.leg}, so that nothing stays booked."
    if leg.next_attempt_at and leg.attempts:
        return f"The {leg.leg} could not be booked yet: attempt {leg.attempts} failed."
    if leg.attempts > 1:
        return f"Booking the {leg.leg}, attempt {leg.attempts}."
    return f"Booking the {leg.leg}."


def due(booking: Booking) -> datetime | None:
    """When the booking should move on, if no step of it is under way; None while one is.

    If that time is well past, and nothing has changed, there is no worker.
    """
    times = [leg.next_attempt_at for leg in booking.legs if leg.state in IN_PROGRESS]
    known = [time for time in times if time]
    if len(known) < len(times):
        return None
    return max(known, default=booking.started_at)


def moment(time: datetime) -> str:
    """A time for people."""
    return f"{time:%-d %b %Y, %H:%M:%S} UTC"


def duration(span: timedelta) -> str:
    """How long something took, for people."""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
