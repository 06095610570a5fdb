"""Whatever leaves this machine unencrypted is refused, or warned of at the start."""

from pathlib import Path

import pytest

from tools.helpers.processes import Environment, started


@pytest.mark.parametrize(
    ("variables", "warnings"),
    [
        (
            {
                "TEMPORAL_ADDRESS": "temporal.example:7233",
                "CAR_SUPPLIER": "http://car.example",
                "PLAIN_HTTP_SUPPLIERS": "true",
                "HOTEL_SUPPLIER": "postgresql://us@db.example/hotels",
                "FLIGHT_SUPPLIER": "postgresql:///flights?host=db.example&sslmode=require",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318",
            },
            [
                "Traces go to collector.example unencrypted",
                "Trips and names go to Temporal at temporal.example unencrypted",
                "names go to the car supplier unencrypted",
                "names go to the hotel supplier at an unverified server",
                "names go to the flight supplier at an unverified server",
            ],
        ),
        (
            {
                "TEMPORAL_ADDRESS": "temporal.example:7233",
                "TEMPORAL_TLS": "true",
                "CAR_SUPPLIER": "https://car.example",
                "HOTEL_SUPPLIER": "postgresql://us@db.example/hotels?sslmode=verify-full",
                "FLIGHT_SUPPLIER": "postgresql:///flights?host=/run/postgresql",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example:4318",
            },
            [],
        ),
        (
            {
                "TEMPORAL_ADDRESS": "localhost:7233",
                "CAR_SUPPLIER": "http://localhost:9999",
                "HOTEL_SUPPLIER": "postgresql://us@127.0.0.1/hotels",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
            },
            [],
        ),
    ],
    ids=["readable", "encrypted", "on this machine"],
)
def test_a_worker_says_what_others_could_read(
    tmp_path: Path, variables: dict[str, str], warnings: list[str]
) -> None:
    environment = Environment(tmp_path / "data", **variables)
    with started(environment, tmp_path / "log", "run_worker.py") as worker:
        worker.wait_for("cannot be reached; still trying")
        said = [line for line in worker.output.splitlines() if " go to " in line]
    assert len(said) == len(warnings)
    assert all(warning in worker.output for warning in warnings)


@pytest.mark.parametrize(("host", "warned"), [("127.1", True), ("127.0.0.1", False)])
def test_the_web_process_says_that_it_has_no_tls(tmp_path: Path, host: str, warned: bool) -> None:
    environment = Environment(tmp_path / "data", API_TOKENS="acme:a-token-of-acme-s")
    environment["HOST"] = host
    with started(environment, tmp_path / "log", "run_workflow.py") as web:
        web.wait_for("1 client has a token")
        assert ("sent in clear text" in web.output) is warned


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.1", True), pytest.param("127.0.0.1", False, marks=pytest.mark.long)],
)
@pytest.mark.parametrize(
    ("command", "serves"),
    [
        (("suppliers", "serve", "car"), "The car supplier serves"),
        (("operations", "codec"), "The codec for"),
    ],
)
def test_what_is_served_for_other_machines_says_that_it_has_no_tls(
    tmp_path: Path, command: tuple[str, ...], serves: str, host: str, warned: bool
) -> None:
    environment = Environment(
        tmp_path / "data",
        SUPPLIER_TOKENS="a-token-of-the-worker",
        CODEC_TOKENS="ann:a-token-of-ann-at-the-desk",
        ENCRYPTION_KEYS="1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        SEARCH_KEY="0123456789012345678901234567890123456789",
    )
    where = ("--host", host, "--port", environment["PORT"])
    with started(environment, tmp_path / "log", "-m", *command, *where) as program:
        program.wait_for(serves)
        assert ("sent in clear text" in program.output) is warned
