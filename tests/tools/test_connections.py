"""Web and worker on Temporal's server proper with client certificates, and with an API key.

The server's own check of a bearer token is of JWTs. To the client a JWT is an API key like any
other: a header over TLS.
"""

import asyncio
import base64
import json
import os
import shutil
import socketserver
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from temporalio.envconfig import ClientConfig

from local.run_all import until
from tests.suppliers.certificates import make_certificates, openssl
from tools.cluster import temporal
from tools.cluster.binaries import build_once
from tools.cluster.frontend import prepared
from tools.helpers.network import read_request, serving
from tools.helpers.postgres import find_postgres, postgres_server
from tools.helpers.processes import wait_until
from tools.helpers.service import service
from tools.helpers.temporal_server import listens

pytestmark = pytest.mark.long

SERVICES = ("frontend", "internal-frontend", "history", "matching")
"""What the services ask the frontend they ask the internal one, which demands no certificate."""


class Cluster(NamedTuple):
    address: str
    folder: Path

    def tls(self, client: str = "client") -> dict[str, str]:
        return {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(self.folder / "ca.pem"),
            **(
                {
                    "TEMPORAL_TLS_CLIENT_CERT_PATH": str(self.folder / f"{client}.pem"),
                    "TEMPORAL_TLS_CLIENT_KEY_PATH": str(self.folder / f"{client}.key"),
                }
                if client
                else {}
            ),
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = [] if shutil.which("go") else ["go"]
    missing += [] if find_postgres() else ["postgresql"]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"the cluster needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@contextmanager
def cluster(folder: Path, **variables: str) -> Iterator[Cluster]:
    """The server without its worker, which is for housekeeping only."""
    binaries = build_once()
    served = {
        "USE_INTERNAL_FRONTEND": "true",
        "TEMPORAL_TLS_FRONTEND_CERT": str(folder / "server.pem"),
        "TEMPORAL_TLS_FRONTEND_KEY": str(folder / "server.key"),
    }
    with postgres_server() as postgres, ExitStack() as stack:
        temporal.create_databases(binaries, postgres)
        environment = temporal.environment(postgres, folder, **served, **variables)
        for name in SERVICES:
            log = stack.enter_context((folder / f"{name}.log").open("a"))
            command = temporal.service_command(binaries, name)
            running = subprocess.Popen(
                command, env=os.environ | environment, stdout=log, stderr=log
            )
            stack.callback(running.wait)
            stack.callback(running.kill)
            # The first one writes the cluster's metadata; of several at once all but one would end.
            port = int(environment[f"{name.upper().replace('-', '_')}_GRPC_PORT"])
            wait_until(partial(listens, port), timeout=120)
        yield Cluster(f"127.0.0.1:{environment['FRONTEND_GRPC_PORT']}", folder)


def prepare(variables: dict[str, str]) -> None:
    """Prepare the namespace as whoever holds these credentials."""
    config = ClientConfig.load_client_connect_config(override_env_vars=variables)

    async def in_time() -> None:
        async with asyncio.timeout(120):
            await until(partial(prepared, config))

    asyncio.run(in_time())


def books(folder: Path, variables: dict[str, str]) -> None:
    with service(folder, 1, **variables) as ours:
        ours.start_worker()
        ours.start_web()
        # A server that is new may answer 503 for some seconds.
        wait_until(lambda: ours.book().json()["status"] == "booked", timeout=60)
        assert len(ours.held()) % 3 == 0


def refusal(folder: Path, variables: dict[str, str], word: str) -> str:
    """The message of a worker that cannot connect; it is in one line.

    It is repeated until it has a word: now and then the server hangs up before it says why.
    """
    folder.mkdir()
    with service(folder, 1, **variables) as ours:
        worker = ours.start("run_worker.py")
        worker.wait_for(word)
        assert "Traceback" not in worker.output
        return next(line for line in worker.output.splitlines() if word in line)


def test_client_certificates(folder: Path, tmp_path: Path) -> None:
    demanded = {
        "TEMPORAL_TLS_REQUIRE_CLIENT_AUTH": "true",
        "TEMPORAL_TLS_CLIENT1_CA_CERT": str(folder / "ca.pem"),
    }
    with cluster(folder, **demanded) as server:
        prepare(server.tls())
        books(tmp_path, server.tls())
        assert "still trying" in refusal(tmp_path / "stranger", server.tls("stranger"), "UnknownCA")
        assert "still trying" in refusal(tmp_path / "nobody", server.tls(""), "CertificateRequired")


def test_an_api_key(folder: Path, tmp_path: Path) -> None:
    with key_source(folder) as url:
        demanded = {
            "TEMPORAL_AUTH_AUTHORIZER": "default",
            "TEMPORAL_AUTH_CLAIM_MAPPER": "default",
            "TEMPORAL_JWT_KEY_SOURCE1": url,
        }
        with cluster(folder, **demanded) as server:
            admin = signed(folder, {"permissions": ["temporal-system:admin", "default:admin"]})
            ours = signed(folder, {"permissions": ["default:write"]})
            prepare(server.tls("") | {"TEMPORAL_API_KEY": admin})
            books(tmp_path, server.tls("") | {"TEMPORAL_API_KEY": ours})
            forged = f"{ours[:-8]}{'A' * 8}"
            for name, key in (("forged", forged), ("none", "")):
                without = server.tls("") | {"TEMPORAL_API_KEY": key}
                assert "still trying" in refusal(tmp_path / name, without, "Request unauthorized")


@contextmanager
def key_source(folder: Path) -> Iterator[str]:
    """Serve the public key with which the server checks keys; the URL."""
    openssl(folder, *["genrsa", "-out", "jwt.key", "2048"])
    openssl(folder, *["rsa", "-in", "jwt.key", "-noout", "-modulus", "-out", "modulus"])
    modulus = bytes.fromhex((folder / "modulus").read_text().strip().partition("=")[2])
    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "test"}
    key |= {"n": encoded(modulus), "e": encoded(b"\x01\x00\x01")}
    body = json.dumps({"keys": [key]}).encode()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            read_request(self.rfile)
            head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}/keys"


def signed(folder: Path, claims: dict[str, object]) -> str:
    """A JWT with these claims, for an hour."""
    parts = (
        {"alg": "RS256", "typ": "JWT", "kid": "test"},
        {"sub": "trip", "exp": int(time.time()) + 3600, **claims},
    )
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    (folder / "text").write_text(text)
    openssl(folder, *["dgst", "-sha256", "-sign", "jwt.key", "-out", "signature", "text"])
    return f"{text}.{encoded((folder / 'signature').read_bytes())}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
