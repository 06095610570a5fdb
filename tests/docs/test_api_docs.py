"""docs/api.md: each of its commands is run, in order, and prints what the page says."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tools.helpers.processes import ROOT, wait_until
from tools.helpers.service import service
from tools.helpers.temporal_server import temporal_server

PAGE = (ROOT / "docs" / "api.md").read_text()
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Step(NamedTuple):
    """A command of the page, under its heading, and what it prints: JSON, or lines among others."""

    heading: str
    command: str
    kind: str
    shown: str

    def printed(self, output: str) -> bool:
        """Whether this is what the page says; times are never the same."""
        if self.kind == "json":
            return bool(json.loads(TIME.sub("", output)) == json.loads(TIME.sub("", self.shown)))
        return set(self.shown.splitlines()) <= set(output.splitlines())


STEPS = [
    Step(section.partition("\n")[0], *found)
    for section in PAGE.split("\n## ")
    for found in re.findall(r"```bash\n(.*?)```\n\n```(json|http)\n(.*?)```", section, re.DOTALL)
]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of a service with some bookings: without tokens, and with those of the page."""
    tokens = re.findall("API_TOKENS=([^`]+)", PAGE)[0]
    with temporal_server() as port, ExitStack() as stack:
        site, guarded = (
            stack.enter_context(service(tmp_path_factory.mktemp(name), port, **given))
            for name, given in (("open", {}), ("guarded", {"API_TOKENS": tokens}))
        )
        site.start_worker()
        site.start_web()
        guarded.start_web()
        for _ in range(21):
            site.book(name="Somebody Else", car="invalid")
        yield {"": site.url, "Tokens": guarded.url}


def run(command: str, url: str) -> str:
    """What a command prints, with the service at another address."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace("http://localhost:5000", url)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_has_its_outcome() -> None:
    assert len(STEPS) == PAGE.count("```bash") > 12


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.heading)
def test_the_command_prints_what_the_page_says(urls: dict[str, str], step: Step) -> None:
    url = urls.get(step.heading, urls[""])
    if step.heading == "List bookings":  # a new booking is listed after a moment
        wait_until(lambda: step.printed(run(step.command, url)))
    else:
        output = run(step.command, url)
        assert step.printed(output), output
