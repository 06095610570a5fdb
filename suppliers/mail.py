"""The mail that tells a traveller how a booking ended."""

import smtplib
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from shared import Leg, Notice, Status

SMTP_TIMEOUT = 15


class Mailer:
    """Sends mail through one server.

    Args:
        smtp_url: `smtp://[user:password@]host[:port]`, or `smtps://…` for TLS from the start.
            TLS is also used where an `smtp` server offers it. Empty: no mail can be sent.
        sender: The address that the mail comes from.
    """

    def __init__(self, smtp_url: str, sender: str) -> None:
        self.url = urlsplit(smtp_url)
        self.sender = sender

    def send(self, notice: Notice) -> None:
        """Send a confirmation or a cancellation.

        Raises:
            ConnectionError: No mail server is set.
            OSError: The mail server cannot be reached, or did not take the message.
        """
        if not self.url.hostname:
            raise ConnectionError("No mail server is set. Set SMTP_URL for the worker.")
        with self._connect() as server:
            server.send_message(compose(notice, self.sender))

    def _connect(self) -> smtplib.SMTP:
        host, port = self.url.hostname or "", self.url.port or 0
        if self.url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SMTP_TIMEOUT)
        else:
            server = smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls()
        if self.url.username:
            server.login(unquote(self.url.username), unquote(self.url.password or ""))
        return server


def compose(notice: Notice, sender: str) -> EmailMessage:
    """The message for an outcome; its id is the same each time, so that a repeat is recognised."""
    outcome, booked = notice.outcome, notice.outcome.status is Status.BOOKED
    items = {leg.leg: leg.item for leg in outcome.legs}
    message = EmailMessage()
    message["From"], message["To"] = sender, notice.email
    message["Message-ID"] = f"<{notice.booking_id}.{outcome.status}@trip-booking>"
    message["Subject"] = "Your trip is booked" if booked else "Your trip was cancelled"
    message.set_content(
        f"Dear {notice.name},\n\n"
        + (
            "your trip is booked:\n\n"
            if booked
            else "your trip was cancelled; nothing is booked.\n\n"
        )
        + "".join(f"  {leg.capitalize()}: {items[leg]}\n" for leg in Leg)
        + ("" if booked else f"\nWhy: {outcome.reason}\n")
        + f"\nBooking: {notice.booking_id}\n"
    )
    return message
