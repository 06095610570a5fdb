"""Messages to staff: where they go, and the webhook that takes them."""

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2

from settings import Settings, give_up, is_loopback
from shared import Alert
from suppliers.mail import Mailer, NotSent

DEADLINE = 8.0
"""Seconds for a call of the webhook, from the name's lookup to the status; below an attempt's."""


class Staff(NamedTuple):
    """How staff are reached: by mail, by a webhook, by both, or, by default, not at all."""

    address: str = ""
    webhook: str = ""


NOBODY = Staff()


def staff_of(settings: Settings, mailer: Mailer) -> Staff:
    """How the environment says that staff are reached; a wrong setting ends the process."""
    webhook = settings.alert_url.get_secret_value()
    if webhook:
        scheme, host = urlsplit(webhook).scheme, urlsplit(webhook).hostname or ""
        if not host or not (scheme == "https" or (scheme == "http" and is_loopback(host))):
            give_up("ALERT_URL must be https://…; http://… is allowed only to this machine.")
    if settings.staff_mail and not mailer.can_send:
        give_up("STAFF_MAIL needs a mail server. Set SMTP_URL.")
    return Staff(settings.staff_mail, webhook)


async def post(url: str, alert: Alert, link: str) -> None:
    """Post an alert to a webhook, as JSON; the same id may come twice.

    Raises:
        NotSent: The webhook did not accept it in time.
    """
    body = alert.model_dump(mode="json", exclude={"pace"}) | ({"url": link} if link else {})
    limits = httpx2.Timeout(None, connect=DEADLINE / 2)
    try:
        async with (
            asyncio.timeout(DEADLINE),
            httpx2.AsyncClient(timeout=limits) as client,
            client.stream("POST", url, json=body) as response,  # whose body nobody reads
        ):
            if not response.is_success:
                raise NotSent(f"The webhook answered with status {response.status_code}")
    except (OSError, httpx2.TransportError) as error:
        # Not the error's own text: it may hold the address, which may hold a secret.
        raise NotSent(f"The webhook did not answer: {type(error).__name__}") from None
