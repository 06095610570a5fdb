"""The supervisor, with stand-ins for the worker and the web process."""

import asyncio
import re
import shlex
import signal
import socket
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest
from temporalio.client import Client

from local import keeper
from local.console import Console
from tools.helpers.processes import Environment, Started, started, wait_until

READY = "Stop with Ctrl-C."
WORKER = "sleep 1001"
STUBBORN = "sh -c 'trap : TERM; while :; do sleep 1002; done'"
STUBBORN_CLOCK = "sh -c 'trap : TERM; while :; do date +%s.%N; sleep 0.1; done'"
MISCONFIGURED = "sh -c 'echo SMTP_URL cannot be used; exit 2'"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "data")


def web(folder: Path, environment: Environment) -> str:
    """A web process that says it is ready, and a descendant of it."""
    (folder / "pages").mkdir(exist_ok=True)
    (folder / "pages" / "readyz").touch()
    command = [sys.executable, "-m", "http.server", environment["PORT"], "--bind", "127.0.0.1"]
    command += ["--directory", str(folder / "pages")]
    return shlex.join(["sh", "-c", f"sleep 1003 & exec {shlex.join(command)}"])


def run_all(
    environment: Environment, folder: Path, worker: str = WORKER
) -> AbstractContextManager[Started]:
    command = ("-m", "tests.local.stand_ins", worker, web(folder, environment))
    return started(environment, folder / "log", *command)


async def connect(environment: Environment) -> Client:
    return await Client.connect(f"127.0.0.1:{environment['TEMPORAL_PORT']}")


def test_it_prints_once_where_everything_is(environment: Environment, tmp_path: Path) -> None:
    with run_all(environment, tmp_path) as program:
        program.wait_for(READY)
        lines = [line.rstrip() for line in program.output.splitlines()]
    port, temporal, ui = (environment[it] for it in ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"))
    assert f"  Book a trip                       http://127.0.0.1:{port}/" in lines
    assert f"  Watch it run (Temporal's Web UI)  http://localhost:{ui}/" in lines
    assert f"  Temporal itself (gRPC)            127.0.0.1:{temporal}" in lines
    assert lines[0].startswith("temporal | Temporal is ready")
    assert any(line.startswith("web      | ") for line in lines)


async def test_whatever_dies_is_started_again(environment: Environment, tmp_path: Path) -> None:
    with run_all(environment, tmp_path) as program:
        program.wait_for(READY)
        client = await connect(environment)
        await client.start_workflow("Nobody", id="trip", task_queue="none")

        program.kill("sleep 1001")
        program.wait_for("worker ended (signal 9, Killed); restarting it in 0.5 s")
        wait_until(lambda: program.pids("sleep 1001"))

        program.kill("http.server")
        program.wait_for("web ended (signal 9, Killed)")
        wait_until(lambda: len(program.pids("http.server")) == 1)
        wait_until(lambda: len(program.pids("sleep 1003")) == 1)  # that of the first is gone

        program.kill("start-dev")
        program.wait_for("temporal ended (status 1)")
        program.wait_for("Temporal is ready", times=2)
        described = await (await connect(environment)).get_workflow_handle("trip").describe()
        assert described.id == "trip"
        assert program.output.count(READY) == 1


@pytest.mark.parametrize(
    "stop_signal",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_a_signal_stops_everything(
    environment: Environment, tmp_path: Path, stop_signal: signal.Signals
) -> None:
    with run_all(environment, tmp_path) as program:
        program.wait_for(READY)
        program.process.send_signal(stop_signal)
        assert program.status(timeout=30) == 0
        assert program.pids() == []


@pytest.mark.long
def test_with_nohup_it_outlives_its_terminal(environment: Environment, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does, and children inherit it
    try:
        with run_all(environment, tmp_path) as program:
            program.wait_for(READY)
            program.process.send_signal(signal.SIGHUP)
            program.kill("sleep 1001")
            program.wait_for("worker ended")
            program.process.send_signal(signal.SIGTERM)
            assert program.status(timeout=30) == 0
            assert "stopping everything" in program.output.split("worker ended")[1]
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.long
def test_what_does_not_stop_is_killed(environment: Environment, tmp_path: Path) -> None:
    with run_all(environment, tmp_path, worker=STUBBORN) as program:
        program.wait_for(READY)
        program.process.send_signal(signal.SIGINT)
        assert program.status(timeout=30) == 0
        assert program.pids() == []


def test_a_second_signal_kills_at_once(environment: Environment, tmp_path: Path) -> None:
    with run_all(environment, tmp_path, worker=STUBBORN_CLOCK) as program:
        program.wait_for(READY)
        program.process.send_signal(signal.SIGINT)
        program.wait_for("stopping everything")
        asked = time.time()
        program.process.send_signal(signal.SIGINT)
        assert program.status(timeout=30) == 0
        last = float(re.findall(r"worker +\| (\d+\.\d+)", program.output)[-1])
        assert last - asked < 2.5, "it waited for the grace of 3 s"
        assert program.pids() == []


def test_nothing_outlives_a_kill(environment: Environment, tmp_path: Path) -> None:
    with run_all(environment, tmp_path) as program:
        program.wait_for(READY)
        program.process.kill()
        # A web server's own children watch for its death themselves; this stand-in does not.
        wait_until(lambda: len(program.pids()) == len(program.pids("sleep 1003")), timeout=3)


def test_a_program_that_cannot_run_stops_everything(
    environment: Environment, tmp_path: Path
) -> None:
    with run_all(environment, tmp_path, worker=MISCONFIGURED) as program:
        assert program.status() == 2
        assert "worker   | SMTP_URL cannot be used" in program.output
        assert "worker cannot run as configured" in program.output
        assert program.pids() == []


def test_nothing_is_started_when_a_port_is_taken(environment: Environment, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", int(environment["PORT"]))),
        run_all(environment, tmp_path) as program,
    ):
        assert program.status() == 2
        assert program.output == (
            f"Port {environment['PORT']} is in use. Stop the program that listens on it,"
            " or set PORT to another port.\n"
        )


def test_one_port_for_two_is_noticed(environment: Environment, tmp_path: Path) -> None:
    environment["TEMPORAL_UI_PORT"] = environment["TEMPORAL_PORT"]
    with run_all(environment, tmp_path) as program:
        assert program.status() == 2
        assert "set TEMPORAL_UI_PORT to another port" in program.output


def test_temporal_is_not_started_where_another_is_named(
    environment: Environment, tmp_path: Path
) -> None:
    environment["TEMPORAL_ADDRESS"] = "temporal.example:7233"
    with run_all(environment, tmp_path) as program:
        program.wait_for(READY)
        assert program.pids("run_temporal") == program.pids("start-dev") == []
        assert "  Temporal itself (gRPC)            temporal.example:7233\n" in program.output
        assert "Watch it run" not in program.output


@pytest.mark.parametrize(
    ("steady_seconds", "pauses"),
    [(60, ["0.01", "0.02", "0.04", "0.04"]), (0, ["0.01", "0.01", "0.01", "0.01"])],
    ids=["dies soon", "stays up"],
)
async def test_pauses_grow_while_a_program_dies_soon(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    steady_seconds: float,
    pauses: list[str],
) -> None:
    monkeypatch.setattr(keeper, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(keeper, "LONGEST_PAUSE", 0.04)
    monkeypatch.setattr(keeper, "STEADY_SECONDS", steady_seconds)
    dying = keeper.Keeper(keeper.Program("web", ["false"]), Console(["web"]))
    keeping = asyncio.create_task(dying.keep())
    said = ""
    while said.count("\n") < len(pauses):
        await asyncio.sleep(0.01)
        said += capfd.readouterr().out
    keeping.cancel()
    await dying.stop(asyncio.Event())
    expected = [f"run | web ended (status 1); restarting it in {it} s" for it in pauses]
    assert said.splitlines()[: len(pauses)] == expected


class Remembering(Console):
    """A console that remembers what was said: whoever reads a captured one again and again may
    miss a line."""

    def __init__(self) -> None:
        super().__init__(["worker"])
        self.said = ""

    def say(self, line: str) -> None:
        self.said += f"{line}\n"


FIRST, SECOND = (
    keeper.Program("worker", ["sh", "-c", f"echo {it}; exec sleep 60"])
    for it in ("first", "second")
)


async def test_a_program_is_held_and_let_go_and_replaced() -> None:
    said: list[str] = []
    console = Remembering()
    kept = keeper.Keeper(FIRST, console, said.append)
    keeping = asyncio.create_task(kept.keep())

    async def heard(*lines: str) -> None:
        await asyncio.to_thread(wait_until, lambda: said == list(lines))

    await heard("first")
    kept.freeze()
    kept.hold()  # also a frozen one ends
    await asyncio.to_thread(wait_until, lambda: "stays down until it is started" in console.said)
    assert said == ["first"]
    kept.let_go()
    await heard("first", "first")
    kept.deploy(SECOND)
    await heard("first", "first", "second")
    keeping.cancel()
    await kept.stop(asyncio.Event())


async def test_a_program_that_is_being_started_can_be_held_and_replaced() -> None:
    said: list[str] = []
    console = Remembering()
    kept = keeper.Keeper(FIRST, console, said.append)
    keeping = asyncio.create_task(kept.keep())
    await asyncio.sleep(0)  # now it is being started
    kept.hold()
    await asyncio.to_thread(wait_until, lambda: "stays down until it is started" in console.said)
    kept.let_go()
    await asyncio.sleep(0)
    kept.deploy(SECOND)
    await asyncio.to_thread(wait_until, lambda: said[-1:] == ["second"])
    keeping.cancel()
    await kept.stop(asyncio.Event())


def test_each_program_is_told_only_its_own_secrets(
    environment: Environment, tmp_path: Path
) -> None:
    secrets = {
        "API_TOKENS": "acme:a-token-of-acme-s",
        "SUPPLIER_TOKENS": "a-token-for-our-own-supplier",
        "STAFF_TOKENS": "maria:a-token-of-maria-s",
        "CODEC_TOKENS": "maria:another-of-maria-s",
        "ENCRYPTION_KEYS": "1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "SEARCH_KEY": "0123456789012345678901234567890123456789",
        "CAR_SUPPLIER": "https://partner:s3cret@car.example",
        "HOTEL_SUPPLIER_TOKEN": "a-token-for-the-hotel",
        "SMTP_URL": "smtps://us:s3cret@mail.example",
        "ALERT_URL": "https://chat.example/s3cret",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=ours-at-the-collector",
    }
    environment |= secrets

    def told(program: Started, words: str) -> tuple[set[str], str]:
        [pid] = program.pids(words)
        seen = psutil.Process(pid).environ()
        told = {name for name, secret in secrets.items() if seen.get(name) == secret}
        assert ("s3cret" in str(seen)) is bool(told & {"CAR_SUPPLIER", "SMTP_URL", "ALERT_URL"})
        assert seen["BREAK_IT_URL"] == ""
        return told, seen["DEMO_FAULTS"]

    with run_all(environment, tmp_path) as program:
        program.wait_for(READY)
        assert told(program, "sleep 1001") == (
            {
                "CAR_SUPPLIER",
                "HOTEL_SUPPLIER_TOKEN",
                "SMTP_URL",
                "ALERT_URL",
                "ENCRYPTION_KEYS",
                "SEARCH_KEY",
                "OTEL_EXPORTER_OTLP_HEADERS",
            },
            "False",
        )
        assert told(program, "http.server") == (
            {
                "API_TOKENS",
                "STAFF_TOKENS",
                "ENCRYPTION_KEYS",
                "SEARCH_KEY",
                "OTEL_EXPORTER_OTLP_HEADERS",
            },
            "False",
        )
        assert told(program, "run_temporal") == (set(), "False")
        assert told(program, "start-dev") == (set(), "False")
        assert program.pids("sleep 1004") == [], "nothing of ours can be broken from a page"
        assert "Break it" not in program.output
        files = {path.stat().st_mode & 0o777 for path in Path(environment["DATA_DIR"]).iterdir()}
        assert files == {0o600}
