"""The machine and the versions that the benchmark ran on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from local.binary import find_or_get_binary, server_version

PACKAGES = ("temporalio", "flask", "uvicorn", "sqlalchemy", "pydantic")


def describe(folder: Path) -> dict[str, str]:
    """Describe the machine and the versions; `folder` has the state files."""
    return {
        "Processor": f"{os.cpu_count()} cores, {processor()}",
        "Memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "Files": file_system(folder),
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Temporal": f"server {server_version(find_or_get_binary())}, embedded",
        "Packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def file_system(folder: Path) -> str:
    """The type of the file system that a folder is on."""
    found = subprocess.run(
        ["stat", "--file-system", "--format=%T", folder],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()
