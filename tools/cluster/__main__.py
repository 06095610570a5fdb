"""The whole site on Temporal's own cluster, in one terminal: `make cluster`.

PostgreSQL, Temporal's four services, three suppliers, two workers and two web processes behind a
proxy that speaks TLS. It is empty each time: its databases are gone at the end.
"""

import argparse
import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx2

from local.console import Console
from local.keeper import Program
from local.run_all import is_ready, until
from local.supervisor import supervise
from settings import Settings, give_up
from shared import Leg
from tools.cluster import proxy, temporal
from tools.cluster.binaries import build_once
from tools.cluster.ports import lasting_ports
from tools.helpers.postgres import find_postgres, postgres_server

WEBS = 2
SITE_FILE = "cluster.env"
"""The file in `DATA_DIR` that says how to reach the site, as environment variables."""


def run(settings: Settings, workers: int) -> int:
    """Run the site until a signal stops it; return the exit status."""
    os.umask(0o077)
    folder = settings.data_dir.absolute() / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    if find_postgres() is None:
        give_up("The cluster needs PostgreSQL (apt-get install postgresql).")
    binaries = build_once()
    make_certificate(folder)
    with postgres_server(durable=True) as postgres:
        temporal.create_databases(binaries, postgres)
        databases = {leg: temporal.create_database(postgres, leg) for leg in Leg}
        variables = temporal.environment(postgres, folder)
        own = {name: it for name, it in os.environ.items() if not name.startswith("TEMPORAL_")}
        own |= {
            "PYTHONUNBUFFERED": "1",
            "TEMPORAL_ADDRESS": f"127.0.0.1:{variables['FRONTEND_GRPC_PORT']}",
        }
        suppliers, reached = supplier_programs(databases, own)
        port, *web_ports = lasting_ports(1 + WEBS)
        own |= {"PUBLIC_URL": f"https://127.0.0.1:{port}"}
        write_site_file(settings, own, databases, folder / "server.pem")
        return asyncio.run(
            supervise(
                [*temporal.programs(binaries, variables, own), *suppliers],
                [
                    *(
                        python(f"worker {n + 1}", own | reached, "run_worker.py")
                        for n in range(workers)
                    ),
                    *(
                        python(f"web {n + 1}", own | {"PORT": str(it)}, "run_workflow.py")
                        for n, it in enumerate(web_ports)
                    ),
                    replace(
                        python(
                            "proxy",
                            own,
                            "-m",
                            proxy.__name__,
                            port,
                            *certificate(folder),
                            *web_ports,
                        ),
                        ready_line=proxy.READY,
                    ),
                ],
                when_started=partial(announce, settings, own, web_ports),
            )
        )


def supplier_programs(
    databases: Mapping[Leg, str], own: Mapping[str, str]
) -> tuple[list[Program], dict[str, str]]:
    """The three suppliers with tokens, and the variables by which a worker reaches them."""
    programs: list[Program] = []
    reached: dict[str, str] = {}
    for (leg, database), port in zip(databases.items(), lasting_ports(len(Leg)), strict=True):
        token, name = secrets.token_urlsafe(32), f"{leg.upper()}_SUPPLIER"
        serving = {**own, name: database, "SUPPLIER_TOKENS": token}
        programs.append(python(leg, serving, "-m", "suppliers", "serve", leg, "--port", port))
        reached |= {name: f"http://127.0.0.1:{port}", f"{name}_TOKEN": token}
    return programs, reached


def python(name: str, environment: Mapping[str, str], *command: object) -> Program:
    """One of this project's programs."""
    return Program(name, [sys.executable, *map(str, command)], environment=environment)


def certificate(folder: Path) -> tuple[Path, Path]:
    """The files of the proxy's certificate and its key."""
    return folder / "server.pem", folder / "server.key"


def make_certificate(folder: Path) -> None:
    """Make the proxy's certificate, which is its own authority."""
    kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-days", "30", "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.pem"]
    try:
        subprocess.run(["openssl", *kind, *subject, *files], check=True, capture_output=True)  # noqa: S607
    except FileNotFoundError:
        give_up("The cluster needs openssl (apt-get install openssl).")


def write_site_file(
    settings: Settings, own: Mapping[str, str], databases: Mapping[Leg, str], authority: Path
) -> None:
    """Say how a command reaches the site; the suppliers by their databases, as an audit does."""
    reached = {name: own[name] for name in ("TEMPORAL_ADDRESS", "PUBLIC_URL")}
    reached |= {f"{leg.upper()}_SUPPLIER": database for leg, database in databases.items()}
    reached["SSL_CERT_FILE"] = str(authority)
    text = "".join(f"{name}={it}\n" for name, it in reached.items())
    (settings.data_dir / SITE_FILE).write_text(text)


async def announce(
    settings: Settings, own: Mapping[str, str], web_ports: list[int], console: Console
) -> None:
    """Print the addresses once every web process is ready."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        for port in web_ports:
            await until(partial(is_ready, client, f"http://127.0.0.1:{port}/readyz"))
    file = settings.data_dir / SITE_FILE
    lines = [
        f"  Book a trip                 {own['PUBLIC_URL']}/",
        f"  Temporal (gRPC)             {own['TEMPORAL_ADDRESS']}",
        f"  For commands, as the audit  set -a; . {file}; .venv/bin/python -m operations audit",
    ]
    console.print("\n".join(["", *lines, "", "  Stop with Ctrl-C.", ""]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what has begun is undone
    sys.exit(run(Settings.load(), arguments.workers))
