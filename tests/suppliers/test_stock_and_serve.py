"""The command line, run as people run it."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update

from suppliers.http import HttpSupplier
from suppliers.sql import SqlSupplier
from suppliers.sql_engine import make_engine
from suppliers.sql_schema import stock
from tests.suppliers.shops import ITEM, KEY
from tools.helpers.processes import wait_until

ROOT = Path(__file__).parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]

DefaultUrl = Callable[[str], str]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No supplier is set: the three are SQLite files in a folder that does not exist yet."""
    inherited = {name: value for name, value in os.environ.items() if "SUPPLIER" not in name}
    return inherited | {"DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def default_url(environment: dict[str, str]) -> DefaultUrl:
    """The URL of a leg's supplier, as none is set."""
    return lambda leg: f"sqlite:///{environment['DATA_DIR']}/{leg}.db"


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs one command; keywords are further variables of its environment."""

    def run(
        *arguments: str, program: str = "operations", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", program, *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def table(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The cells of what was printed, without the heads of the columns."""
    assert done.stderr == ""
    return [re.split(r"  +", line) for line in done.stdout.splitlines()[1:]]


def test_stock_is_set_and_shown(run: Run, database: str) -> None:
    assert run("stock", "set", "flight", ITEM, "40", FLIGHT_SUPPLIER=database).returncode == 0
    assert run("stock", "set", "car", "Tesla", "7").returncode == 0
    assert run("stock", "set", "car", "Tesla", "unlimited").returncode == 0
    with closing(SqlSupplier(database, "flight")) as books:
        books.reserve(KEY, ITEM, "Ada")

    shown = run("stock", FLIGHT_SUPPLIER=database)
    assert table(shown) == [
        ["car", "Tesla", "unlimited", "0", "yes"],
        ["flight", ITEM, "40", "1", "yes"],
    ]
    assert shown.returncode == 0
    one_leg = run("stock", "show", "flight", FLIGHT_SUPPLIER=database)
    assert table(one_leg) == [["flight", ITEM, "40", "1", "yes"]]


def test_stock_that_does_not_agree_is_an_error(run: Run, default_url: DefaultUrl) -> None:
    with closing(SqlSupplier(default_url("car"), "car")) as books:
        books.reserve(KEY, "Tesla", "Ada")
    engine = make_engine(default_url("car"))
    with engine.begin() as db:
        db.execute(update(stock).values(taken=2))
    engine.dispose()

    shown = run("stock", "show", "car")
    assert table(shown) == [["car", "Tesla", "unlimited", "2", "NO"]]
    assert shown.returncode == 1


def test_held_shows_what_is_booked_and_nothing_else(run: Run, default_url: DefaultUrl) -> None:
    with closing(SqlSupplier(default_url("hotel"), "hotel")) as books:
        books.reserve(KEY, "Ritz\n\x1b[2J", "Ada")
        books.reserve("released", "Ritz", "Bob")
        books.release("released")

    [[leg, item, traveller, key, since]] = table(run("held"))
    assert (leg, item, traveller, key) == ("hotel", "Ritz??[2J", "Ada", KEY)
    assert datetime.fromisoformat(since).tzinfo is not None
    assert table(run("held", "car")) == []


def test_a_capacity_that_cannot_be_is_refused(run: Run, default_url: DefaultUrl) -> None:
    with closing(SqlSupplier(default_url("flight"), "flight")) as books:
        books.reserve(KEY, ITEM, "Ada")

    too_low = run("stock", "set", "flight", ITEM, "0")
    assert too_low.returncode == 1
    assert "1 are taken" in too_low.stderr
    no_number = run("stock", "set", "flight", ITEM, "many")
    assert no_number.returncode == 2
    assert "must be a number, or unlimited" in no_number.stderr


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("operations", ["stock"]),
        ("operations", ["held", "car"]),
        ("suppliers", ["serve", "car", "--port", "1"]),
    ],
)
def test_a_partners_service_has_no_books_here(run: Run, program: str, command: list[str]) -> None:
    done = run(*command, program=program, CAR_SUPPLIER="https://cars.example")

    assert done.returncode == 2
    assert done.stderr.startswith("CAR_SUPPLIER is a service over HTTP")
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_and_a_database_that_is_away_are_one_message(run: Run) -> None:
    wrong = run("stock", CAR_SUPPLIER="ftp://cars.example")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("CAR_SUPPLIER must be sqlite:///<file>")

    away = run("stock", CAR_SUPPLIER="postgresql://127.0.0.1:1/none")
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.startswith("A supplier's database cannot be used: ")
    assert "Traceback" not in away.stderr


def test_serve_asks_for_tokens_where_others_reach_it(run: Run) -> None:
    done = run("serve", "car", "--host", "192.0.2.1", "--port", "1", program="suppliers")
    assert done.returncode == 2
    assert "Set SUPPLIER_TOKENS" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ([], {"SUPPLIER_TOKENS": "short"}, "at least 16 characters"),
        ([], {"SUPPLIER_TOKENS": " , "}, "SUPPLIER_TOKENS is set, but holds no token"),
        ([], {"SUPPLIER_TOKENS_FILE": os.devnull}, "SUPPLIER_TOKENS is set, but holds no token"),
        ([], {"SUPPLIER_TOKENS_FILE": "/missing"}, "SUPPLIER_TOKENS_FILE cannot be read"),
        (["--certfile", "/missing"], {}, "--certfile, --keyfile or --client-ca cannot be used"),
        (["--client-ca", "/missing"], {}, "--keyfile and --client-ca need --certfile"),
    ],
)
def test_serve_does_not_start_with_less_than_was_meant(
    run: Run, arguments: list[str], variables: dict[str, str], said: str
) -> None:
    done = run("serve", "car", "--port", "1", *arguments, program="suppliers", **variables)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_serves_a_leg_until_it_is_told_to_end(
    environment: dict[str, str], database: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "suppliers", "serve", "car", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment | {"CAR_SUPPLIER": database})
    try:
        with closing(HttpSupplier(f"http://127.0.0.1:{port}", "car")) as client:
            wait_until(lambda: answers(port))
            client.reserve(KEY, "Tesla", "Ada")
            client.reserve("released", "Tesla", "Bob")
            client.release("released")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()

    with closing(SqlSupplier(database, "car")) as books:
        assert [held.key for held in books.held()] == [KEY]


def test_a_token_of_serve_may_be_a_hash_and_is_changed_without_a_restart(
    environment: dict[str, str], tmp_path: Path
) -> None:
    old, new = "the-old-token-of-the-worker", "the-new-token-of-the-worker"
    file = tmp_path / "tokens"
    file.write_text(f"sha256:{hashlib.sha256(old.encode()).hexdigest()}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "suppliers", "serve", "car", "--port", str(port)]
    variables = environment | {"SUPPLIER_TOKENS_FILE": str(file)}

    def accepted(token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            return httpx2.get(f"http://127.0.0.1:{port}/", headers=headers).status_code == 404
        except httpx2.TransportError:
            return False

    process = subprocess.Popen(command, cwd=ROOT, env=variables)
    try:
        wait_until(lambda: accepted(old))
        assert not accepted(new)
        file.write_text(f"{new}\n")
        wait_until(lambda: accepted(new))
        assert not accepted(old)
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/").status_code == 404
    except httpx2.TransportError:
        return False
