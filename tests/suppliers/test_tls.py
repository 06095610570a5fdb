"""TLS between a worker and a partner: whose certificates are accepted, and what hangs."""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from settings import Settings
from suppliers import Supplier, Unavailable
from suppliers.configured import supplier_of
from suppliers.sql import SqlSupplier
from tests.suppliers.certificates import make_certificates
from tests.suppliers.partners import DripsItsBody, Misbehaves, never_answers, partner
from tests.suppliers.shops import ITEM, KEY
from tools.helpers.processes import ROOT, wait_until
from tools.helpers.temporal_server import free_port

TOKEN = "0123456789abcdef-new"  # noqa: S105


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@contextmanager
def supplier(url: str, **variables: object) -> Iterator[Supplier]:
    with closing(supplier_of(Settings(CAR_SUPPLIER=url, **variables), "car")) as supplier:
        yield supplier


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """`python -m suppliers serve` with a certificate, a token, and clients' certificates."""
    port = free_port()
    command = f"-m suppliers serve car --port {port} --client-ca {folder / 'ca.pem'}".split()
    command += ["--certfile", str(folder / "server.pem"), "--keyfile", str(folder / "server.key")]
    environment = {name: value for name, value in os.environ.items() if "SUPPLIER" not in name}
    environment |= {"DATA_DIR": str(folder), "SUPPLIER_TOKENS": f"0123456789abcdef-old,{TOKEN}"}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    try:
        wait_until(lambda: healthy(folder, port))
        yield port
    finally:
        process.terminate()
        process.wait(30)


def healthy(folder: Path, port: int) -> bool:
    tls = ssl.create_default_context(cafile=folder / "ca.pem")
    tls.load_cert_chain(folder / "client.pem", folder / "client.key")
    try:
        return httpx2.get(f"https://localhost:{port}/healthz", verify=tls).status_code == 200
    except httpx2.TransportError:
        return False


def certificate(folder: Path, name: str, ca: str = "ca") -> dict[str, object]:
    files = {"SUPPLIER_CLIENT_CERT": f"{name}.pem", "SUPPLIER_CLIENT_KEY": f"{name}.key"}
    if not name:
        files = {}
    files["SUPPLIER_CA"] = f"{ca}.pem"
    return {variable: folder / file for variable, file in files.items()}


def test_a_client_with_a_certificate_and_a_token_books(folder: Path, port: int) -> None:
    variables = certificate(folder, "client") | {"CAR_SUPPLIER_TOKEN": TOKEN}
    with supplier(f"https://localhost:{port}", **variables) as car:
        car.reserve(KEY, ITEM, "Ada")
    with closing(SqlSupplier(f"sqlite:///{folder}/car.db", "car")) as books:
        assert [held.key for held in books.held()] == [KEY]


@pytest.mark.parametrize(("name", "ca"), [("", "ca"), ("stranger", "ca"), ("client", "other-ca")])
def test_without_the_right_certificates_nothing_is_asked(
    folder: Path, port: int, name: str, ca: str
) -> None:
    variables = certificate(folder, name, ca) | {"CAR_SUPPLIER_TOKEN": TOKEN}
    with supplier(f"https://localhost:{port}", **variables) as car, pytest.raises(Unavailable):
        car.release("unknown to all")


def test_a_certificate_is_no_token(folder: Path, port: int) -> None:
    variables = certificate(folder, "client")
    with (
        supplier(f"https://localhost:{port}", **variables) as car,
        pytest.raises(RuntimeError, match="status 401"),
    ):
        car.reserve(KEY, ITEM, "Ada")


@pytest.mark.parametrize("misbehaves", [never_answers, DripsItsBody()])
def test_over_tls_a_call_ends_too(folder: Path, misbehaves: Misbehaves) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    variables = certificate(folder, "") | {"SUPPLIER_TIMEOUT": 1}
    with (
        partner(misbehaves, tls=tls) as url,
        supplier(url, **variables) as car,
        pytest.raises(Unavailable),
    ):
        car.reserve(KEY, ITEM, "Ada")


def test_a_handshake_that_nobody_answers_ends_too() -> None:
    with (
        partner(never_answers) as url,
        supplier(url.replace("http:", "https:"), SUPPLIER_TIMEOUT=1) as car,
        pytest.raises(Unavailable),
    ):
        car.reserve(KEY, ITEM, "Ada")


@pytest.mark.parametrize(
    "files",
    [
        {"SUPPLIER_CA": "missing.pem"},
        {"SUPPLIER_CA": "names"},
        {"SUPPLIER_CLIENT_CERT": "client.pem"},
        {"SUPPLIER_CLIENT_CERT": "client.pem", "SUPPLIER_CLIENT_KEY": "server.key"},
        {"SUPPLIER_CLIENT_KEY": "client.key"},
    ],
)
def test_files_that_cannot_be_used_are_one_message(
    folder: Path, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        pytest.raises(SystemExit) as exit_,
        supplier(
            "https://localhost", **{variable: folder / file for variable, file in files.items()}
        ),
    ):
        pass
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("SUPPLIER_C")
    assert said.count("\n") == 1
