"""Temporal's server proper: four services as processes, and their databases in PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from local.keeper import Program
from tools.cluster.binaries import Binaries
from tools.cluster.ports import lasting_ports

SERVICES = ("frontend", "history", "matching", "worker")
SHARDS = 4
SCHEMAS = {"temporal": "temporal", "temporal_visibility": "visibility"}

DYNAMIC_CONFIG = """\
# The values of docs/scaling.md for a small cluster: the rest is the server's own.
history.transferProcessorMaxPollRPS:
  - value: 1000
history.timerProcessorMaxPollRPS:
  - value: 1000
frontend.namespaceRPS.visibility:
  - value: 1000
matching.numTaskqueueReadPartitions:
  - value: 1
matching.numTaskqueueWritePartitions:
  - value: 1
system.enableActivityEagerExecution:
  - value: true
"""


def create_databases(binaries: Binaries, postgres: str) -> None:
    """Create the two databases of Temporal, with their tables."""
    url = make_url(postgres)
    account = {
        "SQL_PLUGIN": "postgres12",
        "SQL_HOST": str(url.host),
        "SQL_PORT": str(url.port),
        "SQL_USER": str(url.username),
        "SQL_PASSWORD": "unused",  # the tool demands one; this PostgreSQL asks for none
    }
    for database, schema in SCHEMAS.items():
        for step in (
            ["create-database"],
            ["setup-schema", "-v", "0.0"],
            ["update-schema", "--schema-name", f"postgresql/v12/{schema}"],
        ):
            done = subprocess.run(
                [binaries.sql_tool, "--database", database, *step],
                env=os.environ | account,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"{step[0]} of {database} failed:\n{done.stdout}{done.stderr}")


def create_database(postgres: str, name: str) -> str:
    """Create an empty database; its URL."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return make_url(postgres).set(database=name).render_as_string()


def environment(postgres: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of all services, which is their whole configuration.

    Args:
        postgres: The URL of a database on the PostgreSQL server.
        folder: A folder for the file of the dynamic configuration.
        more: Further variables, such as those of TLS.
    """
    url = make_url(postgres)
    dynamic = folder / "dynamic-config.yaml"
    dynamic.write_text(DYNAMIC_CONFIG)
    frontends = ("FRONTEND", "INTERNAL_FRONTEND")
    services = (*frontends, "HISTORY", "MATCHING", "WORKER")
    kinds = [f"{service}_{kind}_PORT" for service in services for kind in ("GRPC", "MEMBERSHIP")]
    kinds += [f"{frontend}_HTTP_PORT" for frontend in frontends]
    return {
        **dict(zip(kinds, map(str, lasting_ports(len(kinds))), strict=True)),
        "DB": "postgres12",
        "POSTGRES_SEEDS": str(url.host),
        "DB_PORT": str(url.port),
        "POSTGRES_USER": str(url.username),
        "POSTGRES_PWD": "unused",
        "NUM_HISTORY_SHARDS": str(SHARDS),
        "LOG_LEVEL": "error",
        "BIND_ON_IP": "127.0.0.1",
        "TEMPORAL_BROADCAST_ADDRESS": "127.0.0.1",
        "DYNAMIC_CONFIG_FILE_PATH": str(dynamic),
        **more,
    }


def service_command(binaries: Binaries, service: str) -> list[str]:
    """The command that runs one of the services."""
    return [str(binaries.server), "--allow-no-auth", "start", "--service", service]


def programs(
    binaries: Binaries, variables: Mapping[str, str], own: Mapping[str, str]
) -> list[Program]:
    """The four services, to be kept running; the frontend is ready once its namespace is.

    Args:
        binaries: The cluster's programs.
        variables: What `environment` returned.
        own: The environment of this project's programs.
    """
    command = [sys.executable, "-m", "tools.cluster.frontend"]
    frontend = Program(
        "frontend",
        [*command, *service_command(binaries, "frontend")],
        ready_line="The frontend is ready",
        environment={**own, **variables},
    )
    others = [
        Program(
            "system worker" if service == "worker" else service,
            service_command(binaries, service),
            environment={**own, **variables},
        )
        for service in SERVICES[1:]
    ]
    return [frontend, *others]
