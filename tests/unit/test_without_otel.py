"""A service without the packages of the extra `otel`."""

import subprocess
import sys

import pytest

from runtime import tracing
from settings import CONFIGURATION_ERROR, Settings
from tools.helpers.processes import ROOT

PROGRAMS = """
import sys
sys.modules["opentelemetry"] = None
import run_worker, run_workflow, operations.__main__, suppliers.__main__
from bookings.plugin import plugin
from settings import Settings
plugin(Settings())
"""


def test_no_program_needs_the_packages_of_traces() -> None:
    subprocess.run([sys.executable, "-c", PROGRAMS], cwd=ROOT, check=True)
    assert "opentelemetry" not in (ROOT / "requirements" / "run.txt").read_text()


def test_traces_without_their_packages_are_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "runtime.otel", raising=False)
    configured = Settings.model_validate({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    with pytest.raises(SystemExit) as end:
        tracing.begin(configured, "trips")
    assert end.value.code == CONFIGURATION_ERROR
    assert capsys.readouterr().err == (
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the package opentelemetry is not installed. "
        "Install the extra otel: python -m pip install -r requirements/otel.txt\n"
    )
