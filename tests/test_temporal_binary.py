"""Where the Temporal CLI comes from."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from embedded.binary import find_or_get_binary
from tests.processes import Environment, started

GOOD = "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"
FROM_SOURCE = "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"
NEWER = "temporal version 2.0.0 (Server 1.40.0, UI 3.0.0)"
TOO_OLD = "temporal version 1.3.0 (Server 1.27.1, UI 2.36.0)"
SOMETHING_ELSE = "temporal: a calendar for the terminal"

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cached CLI belongs, on a machine with nothing and no network."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", UNREACHABLE)
    return tmp_path / "cache" / "trip-booking" / "temporal-1.5.1" / "temporal"


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def temporal(file: Path, version: str) -> None:
    script(file, f"echo '{version}'")


@pytest.mark.parametrize("version", [GOOD, FROM_SOURCE, NEWER])
def test_the_one_on_the_path_comes_first(cached: Path, tmp_path: Path, version: str) -> None:
    temporal(cached, GOOD)
    temporal(tmp_path / "bin" / "temporal", version)
    assert find_or_get_binary() == tmp_path / "bin" / "temporal"


@pytest.mark.parametrize("version", [TOO_OLD, SOMETHING_ELSE])
def test_one_that_will_not_do_is_passed_over(cached: Path, tmp_path: Path, version: str) -> None:
    temporal(cached, GOOD)
    temporal(tmp_path / "bin" / "temporal", version)
    assert find_or_get_binary() == cached


def test_two_builds_at_once_do_not_harm_each_other(
    cached: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cp, chmod = shutil.which("cp", path="/bin"), shutil.which("chmod", path="/bin")
    script(tmp_path / "bin" / "go", f'{cp} "$0.built" "$GOBIN/temporal"; {chmod} +x "$GOBIN"/*')
    temporal(tmp_path / "bin" / "go.built", FROM_SOURCE)
    with ThreadPoolExecutor() as threads:
        builds = [threads.submit(find_or_get_binary) for _ in range(2)]
    assert [build.result() for build in builds] == [cached, cached]
    assert list(cached.parent.iterdir()) == [cached]
    said = capfd.readouterr().out
    assert "Building Temporal's server with Go; this takes about three minutes, once." in said


def test_a_build_that_fails_tells_why(
    cached: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path / "bin" / "go", "echo no network; exit 1")
    with pytest.raises(SystemExit, match="2"):
        find_or_get_binary()
    assert "Go could not build it; its last words:\nno network\n" in capfd.readouterr().out
    assert list(cached.parent.iterdir()) == []


def test_a_machine_with_no_way_to_get_one_is_told_what_to_do(tmp_path: Path) -> None:
    environment = Environment(
        tmp_path / "data",
        PATH=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        HTTPS_PROXY=UNREACHABLE,
    )
    with started(environment, tmp_path / "log", "run_temporal.py") as program:
        assert program.status() == 2
        for way_out in ("the Temporal CLI, 1.5 or later", "install Go", "set TEMPORAL_ADDRESS"):
            assert way_out in program.output


def test_a_cache_that_cannot_be_written_is_named(
    cached: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(SystemExit, match="2"):
        find_or_get_binary()
    assert "Set XDG_CACHE_HOME to a folder that can be written." in capfd.readouterr().err
