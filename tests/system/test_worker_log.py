"""What a worker logs about failures: a line for each attempt, and nothing personal or secret."""

from collections.abc import Callable

import pytest

from tools.helpers.service import Service

NOW = {"Prefer": "wait=0"}
NewService = Callable[..., Service]


@pytest.mark.parametrize(
    ("supplier", "why"),
    [
        ("http://ann:hunter2@localhost:1", "Unavailable: The car supplier did not answer PUT"),
        ("postgresql://ann:hunter2@127.0.0.1:1/cars", "OperationalError: "),
    ],
)
def test_an_attempt_that_fails_is_one_line(
    new_service: NewService, supplier: str, why: str
) -> None:
    site = new_service(CAR_SUPPLIER=supplier)
    worker = site.start_worker()
    site.start_web()
    booking_id = site.book(NOW, name="Jane Roe").json()["booking_id"]
    worker.wait_for("(attempt 3)")
    [third] = [line for line in worker.output.splitlines() if "(attempt 3)" in line]
    assert f"WARNING {booking_id}: car not booked: {why}" in third
    assert "Traceback" not in worker.output
    assert "Jane Roe" not in worker.output
    assert "hunter2" not in worker.output
    assert all(line[:4].isdigit() for line in worker.output.splitlines()), worker.output
