"""The site on Temporal's own cluster: it books over TLS, and survives a short chaos."""

import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tools.chaos.site import cluster_site
from tools.helpers.postgres import find_postgres
from tools.helpers.processes import ROOT, Environment, wait_until
from tools.helpers.service import GOOD

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _needs_what_a_newcomer_may_lack() -> None:
    """In CI nothing is skipped: there the cluster itself says what is missing."""
    missing = [name for name in ("go", "openssl") if shutil.which(name) is None]
    missing += [] if find_postgres() else ["postgresql"]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"the cluster needs {', '.join(missing)}")


def test_it_books_over_tls_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with cluster_site(tmp_path) as site:
        trust = ssl.create_default_context(cafile=site.environment["SSL_CERT_FILE"])
        with httpx2.Client(base_url=site.url, verify=trust, timeout=60) as http:
            wait_until(lambda: status_of_a_trip(http) == "booked", timeout=120)
        audited = subprocess.run(
            [sys.executable, "-m", "operations", "audit"],
            env=site.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert "The suppliers hold 1 cars, 1 hotels, 1 flights." in audited.stdout
    assert not site.system.pids()


def status_of_a_trip(http: httpx2.Client) -> str:
    """Book a trip, or ask again about the one booked before; empty while it is not answered."""
    answer = http.post("/book", json=GOOD, headers={"Idempotency-Key": "the-only-trip"})
    return str(answer.json().get("status", ""))


def test_a_short_chaos_on_the_cluster_ends_clean(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.chaos", "--where=cluster", "--seed=1", "--seconds=60"],
        cwd=ROOT,
        env=Environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=2400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No violations" in done.stdout
    assert "kills       0" not in done.stdout
