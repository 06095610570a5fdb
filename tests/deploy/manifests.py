"""What the deployment's files say, read from them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.helpers.processes import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The documents of a YAML file."""
    yield from yaml.safe_load_all(path.read_text())


def containers() -> dict[str, dict[str, Any]]:
    """The containers of the Kubernetes manifests, with the grace period of their pods, by name."""
    found = {}
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for document in documents(path):
            spec = document.get("spec", {})
            spec = spec.get("jobTemplate", {}).get("spec", spec)
            pod = spec.get("template", {}).get("spec", {})
            for container in pod.get("containers", []):
                grace = {"grace": pod.get("terminationGracePeriodSeconds")}
                found[container["name"]] = container | grace
    return found


def compose_services() -> dict[str, dict[str, Any]]:
    """The services of the compose file."""
    [document] = documents(DEPLOY / "compose.yml")
    services: dict[str, dict[str, Any]] = document["services"]
    return services


def config_map() -> dict[str, str]:
    """The variables that all of Kubernetes' containers get from the config map."""
    [document] = documents(KUBERNETES / "kustomization.yaml")
    [generator] = document["configMapGenerator"]
    return dict(literal.split("=", 1) for literal in generator["literals"])


def copied_into_the_image() -> list[str]:
    """The project's files and folders that the image has."""
    lines = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return [name for line in lines for name in line.split() if "requirements/" not in name]


def copy_like_the_image(folder: Path) -> None:
    """Copy what the image would have of the project into a folder."""
    for name in copied_into_the_image():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder / name)
