"""The words for the events of a booking's story."""

from datetime import timedelta

from bookings.events import Event, EventKind
from shared import Status
from web.wording import duration, why

WORDS = {
    EventKind.RECEIVED: "We received the booking.",
    EventKind.BOOKING: "Booking the {leg}.",
    EventKind.TRYING: "Attempt {attempts} at the {leg} is running.",
    EventKind.BOOKED: "The {leg} is booked.",
    EventKind.REFUSED: "The {leg} was refused.",
    EventKind.FAILED: "The {leg} could not be booked in time.",
    EventKind.UNDOING: "Undoing the {leg}.",
    EventKind.UNDONE: "The {leg} is undone.",
    EventKind.CHECKING: "Making sure that no {leg} is held.",
    EventKind.CHECKED: "No {leg} is held.",
    EventKind.CANCEL_REQUESTED: "Cancellation was requested.",
    EventKind.NEEDS_ATTENTION: "The undo is taking longer than it should. It is still tried.",
    EventKind.SETTLED: "Our staff settled the {leg}.",
    EventKind.SUSPENDED: "A bug in our software suspended the booking.",
    EventKind.NOTICE: "A message to the traveller is on its way.",
    EventKind.ALERT: "A message to our staff is on its way.",
    EventKind.STOPPED: "The booking was stopped from outside.",
}

LASTED = {EventKind.TRIED, EventKind.BOOKED, EventKind.REFUSED, EventKind.FAILED, EventKind.UNDONE}
"""What has a duration that means something to people."""


def words(event: Event) -> str:
    """One sentence about an event."""
    match event.kind:
        case EventKind.TRIED | EventKind.WAITING:
            times = "Attempt 1" if event.attempts == 1 else f"{event.attempts} attempts"
            return f"{times} at the {event.leg} failed."
        case EventKind.ENDED if event.status is Status.BOOKED:
            return "The trip is booked."
        case EventKind.ENDED:
            return "The trip is cancelled, and nothing is held."
    return WORDS[event.kind].format(leg=event.leg, attempts=event.attempts)


def details(event: Event) -> str:
    """How long it took, and why: what follows the sentence."""
    said = []
    if event.kind in LASTED and event.seconds and event.seconds >= 0.05:
        said.append(f"It took {duration(timedelta(seconds=event.seconds))}.")
    if event.next_attempt_at:
        said.append(f"The next one is due at {event.next_attempt_at:%H:%M:%S} UTC.")
    if event.reason:
        last = event.kind in {EventKind.TRIED, EventKind.TRYING, EventKind.WAITING}
        said.append(f"Last failure: {why(event.reason)}" if last else why(event.reason))
    return " ".join(said)
