"""Encryption: what is in the server's database, what staff can read, and the commands."""

import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.binary import find_or_get_binary
from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import GOOD, Service
from tools.helpers.temporal_server import closed_port, free_port

pytestmark = pytest.mark.long

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
    "why mail was not sent": "Connection refused",
    "what was done": "Undo car",
}
ADA: dict[str, Any] = {"name": "Ada Quintessenz", "email": "ada@example.org", "car": "a Zeppelin"}


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
    found = {}
    for what, text in SECRETS.items():
        grep = subprocess.run(["grep", "-oia", text, *files], stdout=subprocess.PIPE)
        found[what] = len(grep.stdout.splitlines())
    return found


def operate(site: Service, *command: str) -> tuple[int, str]:
    """Run a command for operators; its exit status, and all that such commands have printed."""
    program = site.start("-m", "operations", *command)
    return program.status(180), program.output


def settle(site: Service, booking_id: str) -> int:
    return operate(site, "settle", "--by", "Ann", "--note", "phoned", booking_id, "car")[0]


def search(site: Service, text: str) -> set[str]:
    answer = site.http.get("/bookings", params={"traveller": text}).json()
    return {row["booking_id"] for row in answer["bookings"]}


def temporal(site: Service, *arguments: str) -> str:
    """What Temporal's CLI prints."""
    address = f"127.0.0.1:{site.environment['TEMPORAL_PORT']}"
    command = [str(find_or_get_binary()), "workflow", *arguments, f"--address={address}"]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout


def test_nothing_of_a_traveller_is_in_the_server_s_database(site: Service, tmp_path: Path) -> None:
    with ExitStack() as stack:
        plain = site_with(stack, tmp_path)
        walk(plain)
        wait_until(lambda: 0 not in in_clear(plain).values())
    ids = walk(site)
    wait_until(lambda: search(site, "quintessenz zeppelin") == set(ids.values()))
    wait_until(lambda: search(site, "ADA@example.org stuck") == {ids["stuck"]})
    assert search(site, "quintess") == set(), "only whole words are found"
    stuck = site.http.get(f"/bookings/{ids['stuck']}").json()
    assert SECRETS["why an undo is stuck"] in stuck["legs"][0]["last_failure"]
    told = site.http.get(f"/bookings/{ids['booked']}/events").json()["events"]
    assert "Car service is down" in [event.get("reason") for event in told]
    assert settle(site, ids["stuck"]) == 0
    wait_until(lambda: site.status(ids["stuck"]) == "cancelled")
    legs = site.http.get(f"/bookings/{ids['stuck']}").json()["legs"]
    assert [leg["state"] for leg in legs] == ["settled", "undone", "refused"]
    assert in_clear(site) == dict.fromkeys(SECRETS, 0)


def test_temporal_s_cli_reads_clear_text_through_the_codec(site: Service) -> None:
    booking_id = site.book(**ADA, hotel="an invalid hotel").json()["booking_id"]
    port = free_port()
    codec = site.start("-m", "operations", "codec", f"--port={port}", "--host=127.0.0.1")
    codec.wait_for("The codec for http://localhost")
    wait_until(lambda: httpx2.get(f"http://127.0.0.1:{port}/").status_code == 401)
    show = ("show", f"--workflow-id={booking_id}", "--detailed")
    through = (*show, f"--codec-endpoint=http://127.0.0.1:{port}")
    assert "Quintessenz" not in temporal(site, *show)
    assert "Quintessenz" not in temporal(site, *through)
    clear = temporal(site, *through, f"--codec-auth=Bearer {TOKEN}")
    assert "Quintessenz" in clear
    assert "Invalid hotel booking, rolling back!" in clear


def test_a_codec_for_everybody_is_refused(tmp_path: Path) -> None:
    keys = {name: text for name, text in KEYS.items() if name != "CODEC_TOKENS"}
    for variables, problem in ((keys, "Set CODEC_TOKENS"), ({}, "Set ENCRYPTION_KEYS")):
        environment = Environment(tmp_path / "data", **variables)
        command = ("-m", "operations", "codec", "--host=0.0.0.0")
        with started(environment, tmp_path / f"{len(variables)}.log", *command) as program:
            assert program.status() == CONFIGURATION_ERROR
            assert problem in program.output


def test_a_web_process_with_half_a_configuration_ends(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "data", ENCRYPTION_KEYS=KEYS["ENCRYPTION_KEYS"])
    for program in ("run_workflow.py", "run_worker.py"):
        with started(environment, tmp_path / f"{program}.log", program) as process:
            assert process.status() == CONFIGURATION_ERROR
            assert "ENCRYPTION_KEYS needs SEARCH_KEY too" in process.output


def test_the_commands_work(site: Service) -> None:
    booking_id = site.book(**ADA).json()["booking_id"]
    status, output = operate(site, "audit")
    assert status == 0, output
    [key, *_] = [it.key for it in site.held(booking_id)]

    temporal(site, "delete", f"--workflow-id={booking_id}")
    wait_until(lambda: site.status(booking_id) == "", timeout=120)  # Temporal takes its time
    status, output = operate(site, "adopt", key)
    assert status == 0, output
    wait_until(lambda: site.status(booking_id) == "booked")
    assert [it.traveller for it in site.held(booking_id)] == [ADA["name"]] * 3

    wait_until(lambda: booking_id in search(site, "quintessenz"))
    status, output = operate(site, "forget", ADA["name"])
    assert f"{booking_id} is forgotten." in output
    assert search(site, "quintessenz") == set()
    assert {it.traveller for it in site.held(booking_id)} == {""}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "Set ENCRYPTION_KEYS"),
        (KEYS | {"ENCRYPTION_KEYS": f"second:{b64encode(b'l' * 32).decode()}"}, "key 'first'"),
    ],
    ids=["none", "another"],
)
def test_a_web_process_without_the_key_says_so(
    site: Service, tmp_path: Path, keys: dict[str, str], problem: str
) -> None:
    booking_id = site.book(**ADA).json()["booking_id"]
    environment = Environment(tmp_path / "data", **keys)
    environment["TEMPORAL_PORT"] = site.environment["TEMPORAL_PORT"]
    url = f"http://127.0.0.1:{environment['PORT']}"
    with started(environment, tmp_path / "log", "run_workflow.py") as web:
        web.wait_for("The web process serves")
        for path in (f"/bookings/{booking_id}", f"/bookings/{booking_id}/events", "/bookings"):
            answer = httpx2.get(url + path)
            assert answer.status_code == 503
            assert answer.json()["type"].endswith("#cannot-decrypt")
            assert "key" in answer.json()["detail"]
            assert "first" not in answer.json()["detail"]
        if not keys:  # with another key, the workers could not book
            trip = GOOD | {"name": "Ada"}
            assert httpx2.post(f"{url}/book", json=trip, timeout=60).status_code == 503
        command = ("-m", "operations", "setup")
        with started(environment, tmp_path / "setup", *command) as setup:
            assert setup.status(60) == 1
            assert "TO DO  keys: The service lacks the key" in setup.output
            assert problem in setup.output
        assert problem in web.output
        assert "Traceback" not in web.output
    assert site.status(booking_id) == "booked"
