"""What a worker tells its supervisor, without a moment's delay by others who ask."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest
from temporalio.worker import Worker

from runtime.health import WorkerHealth, health_served
from settings import CONFIGURATION_ERROR
from tools.helpers.processes import wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port


def answer(address: str, path: str) -> int:
    """The status of the answer; 0 if there is none within a second."""
    with suppress(httpx2.TransportError):
        return httpx2.get(f"http://{address}{path}", timeout=1).status_code
    return 0


def test_it_lives_before_temporal_does_and_is_ready_with_it(
    new_service: Callable[..., Service],
) -> None:
    address = f"127.0.0.1:{free_port()}"
    site = new_service(WORKER_HEALTH_ADDRESS=address)
    temporal, site.environment["TEMPORAL_PORT"] = site.environment["TEMPORAL_PORT"], "1"
    waiting = site.start("run_worker.py")
    wait_until(lambda: answer(address, "/livez") == 200)
    assert answer(address, "/readyz") == 503
    assert answer(address, "/") == 404
    waiting.process.terminate()
    assert waiting.status() == 0
    site.environment["TEMPORAL_PORT"] = temporal
    site.start_worker()
    wait_until(lambda: answer(address, "/readyz") == 200)
    assert answer(address, "/livez") == 200


async def test_a_blocked_loop_does_not_answer_and_a_silent_client_delays_nobody() -> None:
    address = f"127.0.0.1:{free_port()}"
    host, port = address.split(":")
    async with health_served(address, WorkerHealth(asyncio.Event())):
        with socket.create_connection((host, int(port))):  # and says nothing
            assert await asyncio.to_thread(answer, address, "/livez") == 200
            found: list[int] = []
            asking = threading.Thread(target=lambda: found.append(answer(address, "/livez")))
            asking.start()
            time.sleep(2)  # noqa: ASYNC251 - this is the blocked loop
            asking.join()
    assert found == [0]


async def test_a_worker_that_has_ended_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    health = WorkerHealth(asyncio.Event())
    assert await health.lives()
    monkeypatch.setattr(Worker, "is_shutdown", property(lambda _: True))
    health.worker = object.__new__(Worker)
    assert not await health.lives()


def test_an_address_that_is_taken_is_a_configuration_error(
    new_service: Callable[..., Service],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        worker = new_service(WORKER_HEALTH_ADDRESS=address).start("run_worker.py")
        assert worker.status() == CONFIGURATION_ERROR
    assert f"WORKER_HEALTH_ADDRESS={address} cannot be served" in worker.output
    assert "Traceback" not in worker.output
