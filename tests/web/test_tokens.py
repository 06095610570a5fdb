"""The clients' tokens: which are accepted, how they are changed, and what a guesser meets."""

import hashlib
import re
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from settings import CONFIGURATION_ERROR
from tools.helpers.processes import Environment, started, wait_until
from tools.helpers.service import Service

OLD, NEW, OTHER = "the-old-token-of-acme", "the-new-token-of-acme", "the-token-of-beta"
HASH = hashlib.sha256(OTHER.encode()).hexdigest()

NewService = Callable[..., Service]


def as_(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def status(site: Service, token: str) -> int:
    return site.http.get("/", headers=as_(token)).status_code


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"API_TOKENS": ""}, "API_TOKENS is set, but holds no token"),
        ({"API_TOKENS": " , "}, "API_TOKENS is set, but holds no token"),
        ({"API_TOKENS_FILE": ""}, "API_TOKENS_FILE cannot be read"),
        ({"API_TOKENS_FILE": "/dev/null"}, "API_TOKENS is set, but holds no token"),
        ({"API_TOKENS_FILE": "/dev/null", "API_TOKENS": f"acme:{OLD}"}, "not both"),
        ({"API_TOKENS": f"acme:{OLD}, beta:fifteen-letters"}, "at least 16 characters"),
        ({"API_TOKENS": f"acme:{OLD} {OTHER}"}, "name:token"),
        ({"API_TOKENS": f"acme:{OLD} acme:sha256:{HASH[:-1]}"}, "64 hexadecimal digits"),
        ({"API_TOKENS": f"acme:{OLD} beta:{OLD}"}, "the same token twice"),
        ({"API_TOKENS": f"acme:sha256:{HASH} beta:{OTHER}"}, "the same token twice"),
    ],
)
def test_a_mistake_in_the_tokens_never_opens_the_door(
    tmp_path: Path, given: dict[str, str], complaint: str
) -> None:
    environment = Environment(tmp_path / "data", **given)
    with started(environment, tmp_path / "log", "run_workflow.py") as web:
        assert web.status() == CONFIGURATION_ERROR
        assert complaint in web.output
        assert not any(token in web.output for token in (OLD, OTHER, "fifteen"))


def test_a_client_has_several_tokens_and_a_hash_will_do(new_service: NewService) -> None:
    site = new_service(API_TOKENS=f"acme:{OLD}, acme:{NEW}, beta:sha256:{HASH}")
    site.start_worker()
    site.start_web()
    assert [status(site, token) for token in (OLD, NEW, OTHER)] == [200, 200, 200]
    assert status(site, HASH) == status(site, f"sha256:{HASH}") == 401
    assert site.http.get("/", auth=("beta", OTHER)).status_code == 200
    assert site.http.get("/", auth=("acme", OTHER)).status_code == 401
    assert site.http.get("/", headers={"Authorization": f"Digest {OLD}"}).status_code == 401
    booking = site.book(as_(OLD)).json()["url"]
    assert site.http.get(booking, headers=as_(NEW)).status_code == 200
    assert site.http.get(booking, headers=as_(OTHER)).status_code == 404


def test_a_token_is_changed_without_a_restart(new_service: NewService, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"acme:{OLD}\n")
    site = new_service(API_TOKENS_FILE=str(file))
    web = site.start_web()
    assert (status(site, OLD), status(site, NEW)) == (200, 401)

    file.write_text(f"acme:{NEW}\n")
    wait_until(lambda: (status(site, OLD), status(site, NEW)) == (401, 200))

    replacement = tmp_path / "written before it is renamed"
    replacement.write_text(f"acme:{OLD}\nacme:{NEW}\n")
    replacement.replace(file)
    wait_until(lambda: (status(site, OLD), status(site, NEW)) == (200, 200))

    file.write_text("")
    assert status(site, NEW) == 200, "a file that is being written changes nothing"
    web.wait_for("The tokens stay as they were")
    file.unlink()
    assert status(site, NEW) == 200


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"acme:{OLD}\n")
    file.chmod(mode)
    environment = Environment(tmp_path / "data", API_TOKENS_FILE=str(file))
    with started(environment, tmp_path / "log", "run_workflow.py") as web:
        web.wait_for("1 client has a token")
        assert (f"Others on this machine can read {file}" in web.output) is warned
    assert stat.S_IMODE(file.stat().st_mode) == mode


@pytest.mark.long
def test_a_guesser_waits_longer_and_longer_and_nobody_else_does(new_service: NewService) -> None:
    """The service has 41 threads, so that 80 guesses would take all if waiting took one."""
    site = new_service(API_TOKENS=f"acme:{OLD}", WAITING_PLACES="1")
    site.start_web()
    assert status(site, OLD) == 200  # whatever the first request costs is not measured
    delays = []
    for number in range(5):
        begun = time.monotonic()
        assert status(site, f"guess-{number}") == 401
        delays.append(time.monotonic() - begun)
    assert delays[4] > 1.5

    answered: list[int] = []

    def guess(number: int) -> None:
        answered.append(status(site, f"guess-{number}"))

    log = (site.folder / "run_workflow.py.log").read_text
    with ThreadPoolExecutor(80) as pool:
        for number in range(80):
            pool.submit(guess, number)
        wait_until(lambda: log().count("refused: 401") == 85)
        before = len(answered)
        assert status(site, OLD) == 200
        assert site.http.get("/healthz").status_code == 200
        assert before < 39, "more guesses are waiting than there are threads"
    assert answered == [401] * 80


def test_without_a_token_nobody_is_delayed(new_service: NewService) -> None:
    """A browser asks for the token only after a first answer of 401."""
    site = new_service(API_TOKENS=f"acme:{OLD}")
    site.start_web()
    begun = time.monotonic()
    assert {site.http.get("/").status_code for _ in range(20)} == {401}
    assert time.monotonic() - begun < 10


def test_each_refusal_is_one_line_without_the_token(new_service: NewService) -> None:
    site = new_service(API_TOKENS=f"acme:{OLD}")
    web = site.start_web()
    assert status(site, "a-wrong-token-of-mine") == 401
    site.http.post("/book", headers=as_(OLD) | {"Sec-Fetch-Site": "cross-site"})
    site.http.get("/bookings/trip-1%0aforged", headers=as_("another-wrong-token"))
    web.wait_for(" refused: ", times=3)
    lines = re.findall(r"WARNING (.*) \(request [0-9a-f]{32}\)$", web.output, re.MULTILINE)
    assert lines == [
        "GET '/' refused: 401 unidentified, nobody at 127.0.0.1",
        "POST '/book' refused: 403 other-site, acme at 127.0.0.1",
        "GET '/bookings/trip-1\\nforged' refused: 401 unidentified, nobody at 127.0.0.1",
    ]
    assert OLD not in web.output
    assert "wrong-token" not in web.output
