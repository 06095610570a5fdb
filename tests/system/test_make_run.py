"""`make run`: everything in one terminal, whatever is killed."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tools.helpers.processes import Environment, Started, wait_until
from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(stack, tmp_path, Environment(tmp_path / "data"))


def make_run(site: Service) -> Started:
    """Start everything, and wait until bookings can be made."""
    everything = site.start("-m", "local.run_all")
    everything.wait_for("Stop with Ctrl-C", times=everything.output.count("Stop with Ctrl-C") + 1)
    return everything


def test_a_booking_survives_the_death_of_everything(site: Service) -> None:
    everything = make_run(site)
    booking_id = site.book(NOW, flight="a slow flight").json()["booking_id"]
    wait_until(lambda: len(site.held(booking_id)) == 2)
    everything.kill_all()
    make_run(site)
    wait_until(lambda: site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3


@pytest.mark.long
@pytest.mark.parametrize("victim", ["temporal server", "run_worker.py", "run_workflow.py"])
def test_whatever_dies_alone_is_started_again(site: Service, victim: str) -> None:
    everything = make_run(site)
    booking_id = site.book(NOW, hotel="a slow hotel").json()["booking_id"]
    wait_until(lambda: len(site.held(booking_id)) == 1)
    os.kill(min(everything.pids(victim)), signal.SIGKILL)
    wait_until(lambda: site.answers("/readyz") and site.status(booking_id) == "booked")
    assert len(site.held(booking_id)) == 3


def test_ctrl_c_ends_everything_while_a_booking_waits(site: Service) -> None:
    everything = make_run(site)
    site.book(NOW, hotel="a slow hotel")
    began = time.monotonic()
    everything.process.send_signal(signal.SIGINT)
    assert everything.status() == 0
    assert time.monotonic() - began < 20, "it waited for the booking"
    assert everything.pids() == []


def test_the_sold_out_scenario_is_sold_out(site: Service) -> None:
    make_run(site)
    answer = site.book(flight="sold-out-flight-id").json()
    assert answer["reason"] == 'Flight "sold-out-flight-id" is sold out.'
