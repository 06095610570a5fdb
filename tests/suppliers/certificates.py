"""Certificates for tests, made with openssl."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ELSEWHERE = "127.1"
"""This machine, by a name that no one would take for it."""


def make_certificates(folder: Path) -> None:
    """Certificates and keys: of a CA, of a server and of a client; and of somebody else."""
    if shutil.which("openssl") is None and os.environ.get("CI") != "true":
        pytest.skip("openssl is not installed (apt-get install openssl)")
    names = f"DNS:localhost,IP:127.0.0.1,DNS:{ELSEWHERE}"
    (folder / "names").write_text(f"subjectAltName={names}\n")
    for ca in ("ca", "other-ca"):
        make(folder, ca, "-x509", "-addext", "basicConstraints=critical,CA:TRUE")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other-ca")):
        make(folder, name)
        openssl(
            folder,
            *f"x509 -req -in {name}.pem -CA {ca}.pem -CAkey {ca}.key -CAcreateserial".split(),
            *f"-days 2 -extfile names -out {name}.pem".split(),
        )


def make(folder: Path, name: str, *more: str) -> None:
    """A key, and a request for its certificate, or with `-x509` the certificate itself."""
    request = f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name}"
    openssl(folder, *request.split(), *f"-keyout {name}.key -out {name}.pem".split(), *more)


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
