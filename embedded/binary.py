"""The Temporal CLI, whose development server is the embedded one: found, or fetched once."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from settings import give_up

CLI_VERSION = "1.5.1"
OLDEST_SERVER = (1, 29)
"""The server inside CLI 1.5. The CLI's own version does not tell: `go install` leaves it unset."""

DOWNLOAD_SECONDS = 300
STILL_BUILDING_SECONDS = 15


def find_or_get_binary() -> Path:
    """Return a Temporal CLI that works, fetching or building one if this machine has none.

    It is looked for on `PATH` and in the user's cache folder. What is fetched stays in the cache.
    If there is no way to get one, the process ends with a message that says what to do.
    """
    for binary in _candidates():
        if usable(binary):
            return binary
    cached = _cached()
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        # A folder of our own, then a rename: two that fetch at once do not see each other.
        with TemporaryDirectory(prefix=".new-", dir=cached.parent) as scratch:
            fetched = _download(Path(scratch)) or _build(Path(scratch))
            if fetched:
                return fetched.replace(cached)
    except OSError as error:
        give_up(
            f"Temporal's server cannot be kept in {cached.parent}: {error.strerror}.\n"
            "Set XDG_CACHE_HOME to a folder that can be written."
        )
    give_up(
        "There is no Temporal server on this machine, and it could not be downloaded or built.\n"
        "Do one of these, then start again:\n"
        "  - install the Temporal CLI, 1.5 or later, as Temporal's documentation describes;\n"
        "  - install Go, 1.25 or later, with which it is built;\n"
        "  - set TEMPORAL_ADDRESS to the host:port of a Temporal server that runs elsewhere."
    )


def server_version(binary: Path) -> str | None:
    """Return the version of the server inside a Temporal CLI; None if it is no Temporal CLI."""
    try:
        answer = subprocess.run(  # noqa: S603
            [binary, "--version"], capture_output=True, text=True, errors="replace", timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"temporal version \S+ \(Server (\d+\.\d+\.\d+)", answer.stdout)
    return found and found[1]


def usable(binary: Path) -> bool:
    """Whether this is a Temporal CLI whose server is not too old."""
    version = server_version(binary)
    return version is not None and tuple(map(int, version.split(".")))[:2] >= OLDEST_SERVER


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("temporal"):
        yield Path(on_path)
    yield _cached()


def _cached() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return caches / "trip-booking" / f"temporal-{CLI_VERSION}" / "temporal"


def _download(folder: Path) -> Path | None:
    """Let Temporal's SDK download the CLI, in a process of its own that a time limit can end."""
    print(f"Downloading Temporal's server (CLI {CLI_VERSION}), once.", flush=True)
    script = Path(__file__).with_name("download.py")
    try:
        subprocess.run(  # noqa: S603
            [sys.executable, script, folder, CLI_VERSION],
            capture_output=True,
            timeout=DOWNLOAD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None
    return next(filter(usable, folder.glob("temporal-*")), None)


def _build(folder: Path) -> Path | None:
    """Build the CLI with the Go on `PATH`, and show all the while that it goes on."""
    go = shutil.which("go")
    if not go:
        return None
    print(
        "It cannot be downloaded here.\n"
        "Building Temporal's server with Go; this takes about three minutes, once.",
        flush=True,
    )
    started = time.monotonic()
    log = folder / "go.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603
            [go, "install", "-v", f"github.com/temporalio/cli/cmd/temporal@v{CLI_VERSION}"],
            env=os.environ | {"GOBIN": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as build,
    ):
        while _runs_on(build):
            steps = log.read_bytes().count(b"\n")
            print(f"  {time.monotonic() - started:3.0f} s: {steps} packages", flush=True)
    built = folder / "temporal"
    if usable(built):
        print(f"Built in {time.monotonic() - started:.0f} s.", flush=True)
        return built
    print("Go could not build it; its last words:", flush=True)
    print("\n".join(log.read_text(errors="replace").splitlines()[-10:]), flush=True)
    return None


def _runs_on(process: subprocess.Popen[bytes]) -> bool:
    """Wait a while for a process to end; whether it has not."""
    try:
        process.wait(STILL_BUILDING_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


if __name__ == "__main__":
    print(find_or_get_binary())
