"""Temporal's server and its schema tool, built once from their Go module."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from settings import give_up

SERVER_VERSION = "1.30.8"
"""The newest version that builds: 1.31's module needs one that is not public."""

MODULE = "go.temporal.io/server"
PACKAGES = {"temporal-server": "cmd/server", "temporal-sql-tool": "cmd/tools/sql"}


@dataclass(frozen=True)
class Binaries:
    """The programs of a cluster."""

    server: Path
    sql_tool: Path


def build_once() -> Binaries:
    """Build the programs unless the cache has them; without Go, end with a message."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = caches / "trip-booking" / f"temporal-server-{SERVER_VERSION}"
    for name, package in PACKAGES.items():
        if not (folder / name).exists():
            build(package, folder / name)
    return Binaries(*(folder / name for name in PACKAGES))


def build(package: str, target: Path) -> None:
    """Build one program, gently: it takes some minutes of a core."""
    go = shutil.which("go")
    if go is None:
        give_up("The cluster is built with Go, which is not installed. See https://go.dev/dl.")
    print(f"Building {target.name} {SERVER_VERSION}, this once. It takes minutes.", flush=True)
    # A folder of its own, then a rename: concurrent builds cannot interfere.
    scratch = target.with_name(f".new-{target.name}-{os.getpid()}")
    gently = {"GOFLAGS": "-p=1", "CGO_ENABLED": "0", "GOBIN": str(scratch)}
    try:
        subprocess.run(
            ["/usr/bin/env", "nice", go, "install", f"{MODULE}/{package}@v{SERVER_VERSION}"],
            env=os.environ | gently,
            check=True,
        )
        next(scratch.iterdir()).replace(target)
    except subprocess.CalledProcessError:
        give_up("Temporal's server could not be built; see Go's own lines above.")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
