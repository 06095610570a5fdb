"""The deployment's files: valid, and true of the programs that they start."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import pytest

from settings import Settings
from tests.deploy.manifests import (
    DEPLOY,
    KUBERNETES,
    compose_services,
    config_map,
    containers,
    copied_into_the_image,
    copy_like_the_image,
)
from tools.helpers.processes import ROOT, Environment, started, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port

BIN = Path(sys.executable).parent
TOKEN = "a-token-for-this-test"  # noqa: S105
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
PROBE_SECONDS = 60


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", DEPLOY / "Dockerfile"],
        ["check-jsonschema", "--builtin-schema=vendor.compose-spec", DEPLOY / "compose.yml"],
        [
            "check-jsonschema",
            "--builtin-schema=vendor.github-workflows",
            ROOT / ".github/workflows/ci.yml",
        ],
        [
            "check-jsonschema",
            "--builtin-schema=vendor.dependabot",
            ROOT / ".github/dependabot.yml",
        ],
        ["zizmor", "--offline", "--pedantic", ROOT / ".github"],
        ["kubernetes-validate", "--strict", *sorted(KUBERNETES.glob("[!k]*.yaml"))],
    ],
    ids=lambda command: f"{command[0]} {Path(command[-1]).name}",
)
def test_a_validator_finds_nothing(command: list[str | Path]) -> None:
    program, *arguments = map(str, command)
    done = subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kustomize_puts_the_manifests_together(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None and os.environ.get("CI") != "true":
        pytest.skip("kubectl is not installed")
    assert kubectl
    built = tmp_path / "built.yaml"
    with built.open("w") as output:
        subprocess.run([kubectl, "kustomize", KUBERNETES], check=True, stdout=output)
    validate: list[str | Path] = [BIN / "kubernetes-validate", "--strict", built]
    assert subprocess.run(validate, capture_output=True).returncode == 0
    assert "image: registry.example.com/trip:" in built.read_text()


def test_every_variable_is_one_that_the_programs_read() -> None:
    kubernetes = {name for it in containers().values() for name in map(named, it.get("env", []))}
    ours = [it for it in compose_services().values() if it.get("image") == "trip"]
    compose = {name for it in ours for name in it["environment"]}
    known = {name.upper() for name in Settings.model_fields} | {"TEMPORAL_ADDRESS"}
    assert kubernetes | compose | set(config_map()) <= known
    assert {"TEMPORAL_ADDRESS", "PUBLIC_URL"} <= compose & set(config_map())


def named(variable: dict[str, str]) -> str:
    return variable["name"]


def test_no_container_has_privileges() -> None:
    for name, container in containers().items():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


@pytest.mark.parametrize(
    "command",
    sorted(
        {tuple(it["command"]) for it in containers().values()}
        | {("python", "-m", "suppliers"), ("python", "-m", "operations", "forget")}
    ),
    ids=" ".join,
)
def test_the_image_has_all_that_a_command_needs(command: tuple[str, ...], tmp_path: Path) -> None:
    assert all((ROOT / name).exists() for name in copied_into_the_image())
    copy_like_the_image(tmp_path)
    python, *arguments = command
    assert python == "python"
    subprocess.run(
        [sys.executable, *arguments, "--help"], cwd=tmp_path, check=True, capture_output=True
    )


@pytest.mark.long
def test_web_and_worker_as_the_manifests_start_them(
    new_service: Callable[..., Service], tmp_path: Path
) -> None:
    """As plain processes: their commands, variables, probes and grace periods."""
    secrets = {"API_TOKENS": f"acme:{TOKEN}", "SMTP_URL": "smtp://127.0.0.1:1"}
    site = new_service(**config_map(), **secrets)
    site.environment["TEMPORAL_ADDRESS"] = f"127.0.0.1:{site.environment['TEMPORAL_PORT']}"
    ports = {5000: int(site.environment["PORT"])}
    running = {}
    for name in ("web", "worker"):
        container = containers()[name]
        environment = Environment(Path(site.environment["DATA_DIR"]))
        environment.update(site.environment)
        own = {port["name"]: port["containerPort"] for port in container["ports"]}
        for port in own.values():
            ports[port] = ports[port] if port == 5000 else free_port()
        for variable in container["env"]:
            _, colon, port = variable["value"].rpartition(":")
            environment[variable["name"]] = (
                f"127.0.0.1:{ports[int(port)]}" if colon else variable["value"]
            )
        program = site.stack.enter_context(
            started(environment, tmp_path / f"{name}.log", *container["command"][1:])
        )
        running[name] = (program, container, own)
        for probe in ("readinessProbe", "livenessProbe"):
            asked = container[probe]["httpGet"]
            url = f"http://127.0.0.1:{ports[own[asked['port']]]}{asked['path']}"
            # From another address than PUBLIC_URL's, as kubelet asks.
            wait_until(partial(answers, url, Host="10.0.0.7:5000"), PROBE_SECONDS)
        metrics = f"http://127.0.0.1:{ports[own['metrics']]}/metrics"
        wait_until(partial(answers, metrics))
    public = {"Host": "trips.example.com"} | AUTHORIZED
    assert site.book(public).json()["cancelled"] is False
    for program, container, _ in running.values():
        program.process.send_signal(signal.SIGTERM)
        assert program.status(container["grace"]) == 0


def answers(url: str, **headers: str) -> bool:
    try:
        return httpx2.get(url, headers=headers).status_code == 200
    except httpx2.TransportError:
        return False
