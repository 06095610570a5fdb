"""The alerts: each fires when it should, says what to do, and measures what exists."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from shared import TASK_QUEUE_NAME
from tests.deploy.manifests import DEPLOY
from tools.helpers.processes import ROOT, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port

RULES = DEPLOY / "alerts.yml"
TESTS = DEPLOY / "alerts_test.yml"
NOW = {"Prefer": "wait=0"}

ONLY_ELSEWHERE = {"trip_suspended_bookings"}  # servers before 1.30 cannot tell


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def charted() -> list[str]:
    """The expressions of the dashboard."""
    panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def find_promtool() -> str:
    promtool = shutil.which("promtool")
    if promtool is None and os.environ.get("CI") != "true":
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    assert promtool
    return promtool


def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": it} for n, it in enumerate(charted())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    check: list[str | Path] = [find_promtool(), "check", "rules", file]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_and_stays_quiet_when_it_should() -> None:
    done = subprocess.run([find_promtool(), "test", "rules", TESTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    well, not_well, *_ = yaml.safe_load(TESTS.read_text())["tests"]
    names = {alert["alert"] for alert in alerts()}
    assert {it["alertname"] for it in well["alert_rule_test"]} == names
    assert not any(it.get("exp_alerts") for it in well["alert_rule_test"])
    assert {it["alertname"] for it in not_well["alert_rule_test"] if it["exp_alerts"]} == names


def test_each_alert_has_its_entry_in_the_runbook() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    for alert in alerts():
        assert alert["alert"] in headings
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert (page, anchor) == ("docs/runbook.md", alert["alert"].lower())
    assert {it for it in headings if it.startswith("Trip")} == {it["alert"] for it in alerts()}


@pytest.mark.long
def test_each_metric_of_alerts_and_dashboard_exists(new_service: Callable[..., Service]) -> None:
    """In scrapes of a run with bookings, a rollback, a retry, a stuck undo, no worker and a bug."""
    web, worker = (f"127.0.0.1:{free_port()}" for _ in range(2))
    site = new_service(METRICS_ADDRESS=web, WORKER_METRICS_ADDRESS=worker, UNDO_PATIENCE="1")
    site.start_web()
    first = site.start_worker()
    assert site.book(attempts=2).json()["cancelled"] is False
    stuck = site.book(NOW, car="a stuck car", hotel="an invalid hotel").json()["booking_id"]
    wait_until(lambda: site.status(stuck) == "needs_attention")

    def scraped(address: str) -> str:
        return httpx2.get(f"http://{address}/metrics").text

    def becomes(address: str, pattern: str) -> bool:
        return re.search(pattern, scraped(address), re.MULTILINE) is not None

    attention = r'^trip_open_bookings{status="needs_attention"} 1$'
    wait_until(lambda: becomes(web, attention), timeout=60)
    series = scraped(web) + scraped(worker)

    first.process.kill()
    first.process.wait()
    waiting = site.book(NOW).json()["booking_id"]
    late = rf'^trip_queue_backlog_age_seconds{{queue="{TASK_QUEUE_NAME}"}} [1-9]'
    wait_until(lambda: becomes(web, late), timeout=60)

    buggy = site.start("-m", "local.break_it.buggy_worker")
    bug = r'^temporal_workflow_task_execution_failed_total{.*failure_reason="WorkflowError"'
    buggy.wait_for("The worker waits for bookings")
    wait_until(lambda: becomes(worker, bug), timeout=60)
    assert site.status(waiting) == "running"
    series += scraped(web) + scraped(worker)

    expressions = "\n".join([*charted(), *(alert["expr"] for alert in alerts())])
    used = set(re.findall(r"\b(?:trip|temporal)_[a-z_]+\b", expressions))
    assert len(used) > 10
    missing = {name for name in used if not re.search(rf"^{name}[{{ ]", series, re.MULTILINE)}
    assert missing <= ONLY_ELSEWHERE
    for label in re.findall(r'(\w+="[^"~]+")', expressions):
        assert label in series or label == f'task_queue="{TASK_QUEUE_NAME}"', label
