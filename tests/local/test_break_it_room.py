"""The page that breaks the demo, alone: nothing that it shows is running."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from local.break_it import levers
from local.break_it.locks import FileLock
from local.break_it.room import create_room
from local.break_it.world import World
from local.keeper import Program
from local.run_all import can_be_broken, orders
from settings import Settings
from tools.helpers.processes import wait_until
from tools.helpers.temporal_server import free_port

URL = "http://127.0.0.1:40404"
TRIP = f"trip-{'0' * 32}"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    nobody = {"PORT": free_port(), "TEMPORAL_PORT": free_port()}
    folder = tmp_path_factory.mktemp("data")
    settings = Settings.model_validate({"DATA_DIR": folder, **nobody})
    with create_room(World(settings), URL).test_client() as client:
        yield client


def press(room: FlaskClient, path: str, origin: str = URL) -> int:
    return room.post(path, base_url=URL, headers={"Origin": origin}).status_code


def says(room: FlaskClient, column: str) -> str:
    return room.get(f"/columns/{column}?trip={TRIP}", base_url=URL).text


def test_a_database_is_locked_before_anything_was_booked(room: FlaskClient) -> None:
    assert press(room, "/levers/lock-the-hotels-database") == 303
    assert says(room, "suppliers").count("nothing") == 3, "whoever only reads need not wait"
    assert "locked" in room.get("/states", base_url=URL).text
    assert press(room, "/levers/unlock-the-hotels-database") == 303
    assert "locked" not in room.get("/states", base_url=URL).text


def test_a_button_is_an_order_to_the_supervisor(
    room: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert press(room, "/levers/kill-the-worker") == 303
    assert capsys.readouterr().out == f"{levers.KILL.name}\n"


def test_every_button_is_obeyed() -> None:
    names = {button.name for button in levers.by_path(levers.LEVERS).values()}
    obeyed = set(orders(Program("worker", ["true"])))
    assert names - obeyed == {levers.LOCK.name, levers.UNLOCK.name}  # it does these itself
    assert obeyed < names


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://127.0.0.1:5000"])
@pytest.mark.parametrize("path", ["/levers/kill-the-worker", "/trips", "/cancel"])
def test_another_site_breaks_nothing(
    room: FlaskClient, capsys: pytest.CaptureFixture[str], path: str, origin: str
) -> None:
    assert press(room, path, origin) == 403
    assert room.get(path, base_url=URL).status_code == 405
    assert capsys.readouterr().out == ""


def test_other_names_and_trips_are_refused(room: FlaskClient) -> None:
    assert room.get("/", base_url="http://evil.example:40404").status_code == 421
    assert room.get("/", base_url="http://localhost:40404").status_code == 200
    for trip in ("trip-1", f"{TRIP}/../x", "<script>"):
        assert room.get("/", base_url=URL, query_string={"trip": trip}).status_code == 404
    assert press(room, "/levers/nothing") == 404
    assert room.get("/look/../room.py", base_url=URL).status_code == 404


def test_a_column_says_who_does_not_answer(room: FlaskClient) -> None:
    assert "The web process does not answer." in says(room, "page")
    assert "Temporal does not answer." in says(room, "temporal")
    assert says(room, "suppliers").count("nothing") == 3
    assert press(room, f"/cancel?trip={TRIP}") == 503


def test_a_locked_file_is_free_again_in_time(tmp_path: Path) -> None:
    file = tmp_path / "hotel.db"
    lock = FileLock(file, seconds=0.3)

    def can_write() -> bool:
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True

    lock.hold()
    assert (lock.held, can_write()) == (True, False)
    lock.release()
    assert (lock.held, can_write()) == (False, True)
    lock.hold()
    wait_until(can_write)
    assert not lock.held


@pytest.mark.parametrize(
    ("variables", "broken"),
    [
        ({}, True),
        ({"DEMO_FAULTS": "true"}, True),
        ({"DEMO_FAULTS": "false"}, False),
        ({"API_TOKENS": "acme:0123456789abcdef"}, False),
        ({"DEMO_FAULTS": "true", "STAFF_TOKENS_FILE": "tokens"}, False),
        ({"HOTEL_SUPPLIER": "postgresql://hotel.example/stock"}, False),
    ],
    ids=str,
)
def test_only_a_demo_can_be_broken(variables: dict[str, str], broken: bool) -> None:
    assert can_be_broken(Settings.model_validate(variables)) is broken


def test_another_s_temporal_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:7233")
    assert not can_be_broken(Settings.model_validate({"DEMO_FAULTS": "true"}))
