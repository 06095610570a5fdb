"""The mail to a traveller about the outcome of a booking, and to staff about what is wrong."""

import os
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from settings import is_loopback
from shared import DECLINED, Alert, Leg, Notice, Status

SMTP_TIMEOUT = 5
"""Seconds that a mail server may be silent."""

SMTP_DEADLINE = 10
"""Seconds for a message from the connection to the last answer; below an attempt's time, so that no
server holds a thread for longer by sending a byte now and then."""


NO_SERVER = "No mail server is configured. Set SMTP_URL for the worker."


class NotSent(Exception):
    """A message was not sent; the text is for the log, and names nobody."""


class Mailer:
    """Sends mail through one server: to another machine only with TLS, and a verified certificate.

    Args:
        smtp_url: `smtp://[user:password@]host[:port]`, which must offer STARTTLS unless it is on
            this machine, or `smtps://…` for TLS from the start. Empty: no mail can be sent.
        sender: The address that the mail comes from.
        public_url: The address of the pages, without a slash at its end. Empty: no link to them.
        folder: Where mail is written to files if no server is set; None: nowhere.

    Raises:
        ValueError: The URL is not a mail server's.
    """

    def __init__(
        self, smtp_url: str, sender: str, public_url: str = "", folder: Path | None = None
    ) -> None:
        wrong = "SMTP_URL must be smtp://[user:password@]host[:port] or smtps://…"
        try:
            self.url = urlsplit(smtp_url)
            self.port = self.url.port or 0
        except ValueError:
            raise ValueError(wrong) from None  # its text may quote part of a password
        if smtp_url and not (self.url.scheme in {"smtp", "smtps"} and self.url.hostname):
            raise ValueError(wrong)
        self.sender = sender
        self.public_url = public_url
        self.folder = folder

    @property
    def can_send(self) -> bool:
        """Whether mail goes anywhere."""
        return bool(self.url.hostname or self.folder)

    def link(self, booking_id: str) -> str:
        """The address of a booking's page; empty if it is not known."""
        return self.public_url and f"{self.public_url}/bookings/{booking_id}"

    def send(self, notice: Notice) -> None:
        """Send a confirmation or a cancellation.

        Raises:
            NotSent: No mail server is set, it has no TLS, or it rejected the message.
            OSError: The mail server cannot be reached, or its certificate is not valid for it.
        """
        message = compose(notice, self.sender, self.link(notice.booking_id))
        self._deliver(message, notice.email, f"{notice.booking_id}.{notice.outcome.status}")

    def alert(self, alert: Alert, address: str) -> None:
        """Send an alert to staff; see `send`."""
        message = compose_alert(alert, self.sender, address, self.link(alert.booking_id))
        self._deliver(message, address, alert.alert_id.replace("/", "."))

    def check(self) -> None:
        """Reach the mail server as for a message, but send none.

        Raises:
            NotSent: No mail server is set, it has no TLS, or it rejected the login.
            OSError: See `send`.
        """
        if self.url.hostname:
            self._talk(lambda server: server.noop())
        elif not self.folder:
            raise NotSent(NO_SERVER)

    def _deliver(self, message: EmailMessage, address: str, name: str) -> None:
        if self.url.hostname:
            # Not as the headers have it: an address must never be read as a list of them.
            self._talk(lambda server: server.send_message(message, to_addrs=[address]))
        elif self.folder:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(self.folder / f"{name}.eml", flags, 0o600), "wb") as file:
                file.write(message.as_bytes())
        else:
            raise NotSent(NO_SERVER)

    def _talk(self, say: Callable[[smtplib.SMTP], object]) -> None:
        try:
            with self._connect() as server:
                say(server)
        except smtplib.SMTPException as error:  # its text may quote the address
            code = getattr(error, "smtp_code", "")
            words = f"The mail server refused the message: {type(error).__name__} {code}"
            raise NotSent(words.strip()) from None

    def _connect(self) -> smtplib.SMTP:
        host, port, user = self.url.hostname or "", self.port, self.url.username
        tls = ssl.create_default_context()
        if self.url.scheme == "smtps":
            server: smtplib.SMTP = BoundedSSL(host, port, timeout=SMTP_TIMEOUT, context=tls)
        else:
            server = Bounded(host, port, timeout=SMTP_TIMEOUT)
        try:
            if self.url.scheme == "smtp" and (user or not is_loopback(host)):
                server.starttls(context=tls)  # nothing may be read on the way
            if user:
                server.login(unquote(user), unquote(self.url.password or ""))
        except Exception:
            server.close()
            raise
        return server


class Bounded(smtplib.SMTP):
    """A connection that is cut at its deadline, so that whoever reads from it wakes up."""

    def connect(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Connect, and start the clock."""
        self._clock = threading.Timer(SMTP_DEADLINE, self._cut)
        self._clock.daemon = True
        self._clock.start()
        return super().connect(*args, **kwargs)

    def close(self) -> None:
        """Stop the clock, and close."""
        self._clock.cancel()
        super().close()

    def _cut(self) -> None:
        with suppress(OSError):
            if self.sock:  # not kept: STARTTLS replaces it
                self.sock.shutdown(socket.SHUT_RDWR)


class BoundedSSL(Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the start."""


def compose(notice: Notice, sender: str, link: str) -> EmailMessage:
    """The message for an outcome, with an id by which a mail server recognises duplicates."""
    outcome, booked = notice.outcome, notice.outcome.status is Status.BOOKED
    items = {leg.leg: leg.item for leg in outcome.legs}
    reason = outcome.reason or ""
    message = EmailMessage()
    message["From"], message["To"] = sender, Address(addr_spec=notice.email)
    message["Message-ID"] = f"<{notice.booking_id}.{outcome.status}@trip-booking>"
    message["Subject"] = "Your trip is booked" if booked else "Your trip was cancelled"
    message.set_content(
        f"Dear {notice.name},\n\n"
        + (
            "Your trip is booked:\n\n"
            if booked
            else "Your trip was cancelled. Nothing is booked.\n\n"
        )
        + "".join(f"  {leg.capitalize()}: {items[leg]}\n" for leg in Leg)
        + ("" if booked else f"\nWhy: {DECLINED.get(reason, reason)}\n")
        + f"\nBooking: {notice.booking_id}\n"
        + (link and f"{link}\n")
    )
    return message


def compose_alert(alert: Alert, sender: str, address: str, link: str) -> EmailMessage:
    """The message for an alert."""
    message = EmailMessage()
    message["From"], message["To"] = sender, address
    message["Message-ID"] = f"<{alert.alert_id.replace('/', '.')}@trip-booking>"
    message["Subject"] = f"{alert.booking_id}: {alert.kind.replace('_', ' ')}"
    message.set_content(f"{alert.text}\n\nBooking: {alert.booking_id}\n" + (link and f"{link}\n"))
    return message
