"""Encryption: what is in the server's database, what staff can read, and every command, with it on."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from local.binary import find_or_get_binary
from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, Started, started, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import closed_port, free_port

NOW = {"Prefer": "wait=0"}
TOKEN = "staff-staff-staff-staff"  # noqa: S105
KEYS = {
    "ENCRYPTION_KEYS": f"first:{b64encode(b'k' * 32).decode()}",
    "SEARCH_KEY": "search-search-search-search-search",
    "CODEC_TOKENS": f"ann:{TOKEN}",
}
SECRETS = {
    "the name": "Quintessenz",
    "the address": "example.org",
    "an item": "Zeppelin",
    "why it was refused": "rolling back",
    "why an undo is stuck": "cannot be undone until",
    "why an attempt failed": "service is down",
    "why there was no mail": "No mail was sent",
    "what was being done": "Trying to undo",
}
ADA = {"name": "Ada Quintessenz", "email": "ada@example.org", "car": "a Zeppelin"}


def site_with(stack: ExitStack, folder: Path, **variables: str) -> Service:
    """A service whose Temporal keeps its state in a file; its mail server is away."""
    nobody = stack.enter_context(closed_port())
    variables |= {"SMTP_URL": f"smtp://127.0.0.1:{nobody}", "UNDO_PATIENCE": "0.5"}
    site = Service(stack, folder, Environment(folder / "data", **variables))
    site.start("-m", "local.run_temporal").wait_for("Temporal is ready")
    site.start_worker()
    site.start_web()
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with ExitStack() as stack:
        yield site_with(stack, tmp_path_factory.mktemp("encrypted"), **KEYS)


def walk(site: Service) -> dict[str, str]:
    """A trip for each way that one can take; the stuck one is still open."""
    trips = {
        "booked": site.book(**ADA, attempts=2),
        "refused": site.book(**ADA, hotel="an invalid hotel"),
        "cancelled": site.book(**ADA),
        "stuck": site.book(NOW, **ADA | {"car": "a stuck Zeppelin"}, flight="invalid"),
    }
    ids = {name: str(answer.json()["booking_id"]) for name, answer in trips.items()}
    site.http.post(f"/bookings/{ids['cancelled']}/cancel")
    wait_until(lambda: site.status(ids["stuck"]) == "needs_attention")
    return ids


def in_clear(site: Service) -> dict[str, int]:
    """How often each secret is in the files of Temporal's database."""
    # Not here: closing a file would take SQLite's locks on it away from its server.
    files = list(Path(site.environment["DATA_DIR"]).glob("temporal.db*"))
    assert files
    return {
        what: len(subprocess.run(["grep", "-oia", text, *files], stdout=subprocess.PIPE).stdout.splitlines())
        for what, text in SECRETS.items()
    }


@pytest.mark.long
def test_nothing_of_a_traveller_is_in_the_server_s_database(site: Service, tmp_path: Path) -> None:
    with ExitStack() as stack:
        plain = site_with(stack, tmp_path)
        walk(plain)
        wait_until(lambda: all(in_clear(plain).values())), in_clear(plain)
    ids = walk(site)
    assert settle(site, ids["stuck"]) == 0
    wait_until(lambda: site.status(ids["stuck"]) == "cancelled")
    assert in_clear(site) == dict.fromkeys(SECRETS, 0)
