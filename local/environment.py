"""The environment of each program of `make run`: of the secrets, only those that it needs."""

import os
import re

from bookings.client import rehearses
from settings import Settings

SUPPLIERS = "(CAR|HOTEL|FLIGHT)_SUPPLIER.*"
CLIENTS = "(API|STAFF)_TOKENS.*"
KEYS = "(ENCRYPTION_KEYS|SEARCH_KEY).*"
COLLECTOR = "OTEL_EXPORTER_OTLP_.*HEADERS"
SECRETS = f"{CLIENTS}|(CODEC|SUPPLIER)_TOKENS.*|{KEYS}|SMTP_URL|ALERT_URL|{SUPPLIERS}|{COLLECTOR}"
NEEDED = {
    "temporal": "",
    "worker": f"{KEYS}|SMTP_URL|ALERT_URL|{SUPPLIERS}|{COLLECTOR}",
    "web": f"{CLIENTS}|{KEYS}|{COLLECTOR}",
    "break-it": "",
}


def environment_of(program: str, settings: Settings, break_it_url: str = "") -> dict[str, str]:
    """The environment of a program; `break_it_url` is where the page that breaks things is."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not re.fullmatch(SECRETS, name) or re.fullmatch(NEEDED[program], name)
    }
    if program == "web" and settings.smtp_url:  # which says in the form whether mail is sent
        kept["SMTP_URL"] = re.sub("//.*@", "//", settings.smtp_url)
    told = break_it_url if program in {"web", "break-it"} else ""
    # Said to both, as the worker does not see whether there are tokens.
    demo = {"DEMO_FAULTS": str(rehearses(settings)), "BREAK_IT_URL": told}
    return kept | {"PYTHONUNBUFFERED": "1"} | demo
