"""The image, built here without a registry of images, and run."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.helpers.processes import ROOT

pytestmark = pytest.mark.long

TRUST = Path("/etc/ssl/certs")
"""A base of Debian's packages trusts what this machine trusts, for the packages' download."""

Buildah = Callable[..., str]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """Runs buildah with a storage of its own, and returns what it prints."""
    missing = [tool for tool in ("buildah", "mmdebstrap") if not shutil.which(tool)]
    if os.environ.get("CI") != "true" and (missing or os.geteuid()):
        pytest.skip(f"the image is built as root, with {' and '.join(missing) or 'buildah'}")
    folder = tmp_path_factory.mktemp("images")
    where = [f"--root={folder}/root", f"--runroot={folder}/run", "--storage-driver=vfs"]

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            ["buildah", *where, *arguments], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    yield run
    run("rm", "--all")
    run("rmi", "--all", "--force")


@pytest.fixture(scope="module")
def image(buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image's name; its base is Debian with Python, as no registry can be reached here."""
    base = tmp_path_factory.mktemp("base") / "base.tar"
    packages = "python3-minimal,python3-venv,ca-certificates"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm", base],
        check=True,
    )
    container = buildah("from", "scratch")
    buildah("add", container, base, "/")
    buildah("commit", container, "localhost/base")
    settings = [
        f"--env={name}={value}"
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_CERT")) and name != "PIP_FIND_LINKS"
    ]
    buildah(
        *("bud", "--isolation=chroot", "--pull-never", "--build-arg=BASE=localhost/base"),
        *("--file=deploy/Dockerfile", "--tag=localhost/trip", f"--volume={TRUST}:{TRUST}:ro"),
        *settings,
        ".",
    )
    return "localhost/trip"


def test_the_image_is_nobody_s_and_small(buildah: Buildah, image: str) -> None:
    user = buildah("inspect", "--type=image", "--format={{.OCIv1.Config.User}}", image)
    assert user == "10001:10001"
    container = buildah("from", "--pull-never", image)
    mount = Path(buildah("mount", container))
    packages = sum(it.stat().st_size for it in (mount / "opt/venv").rglob("*") if it.is_file())
    assert packages < 170_000_000
    assert not (mount / "opt/venv/bin/temporal").exists()
    assert not (mount / "app/tests").exists()


@pytest.mark.parametrize(
    "command",
    [
        "python run_workflow.py --help",
        "python run_worker.py --help",
        "python -m suppliers serve --help",
        "python -m operations audit --help",
    ],
)
def test_each_program_starts_in_it(buildah: Buildah, image: str, command: str) -> None:
    container = buildah("from", "--pull-never", image)
    assert "usage:" in buildah("run", "--isolation=chroot", container, "--", *command.split())
