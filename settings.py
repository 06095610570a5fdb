"""The configuration of every process: environment variables, their defaults and their limits.

Each field is the variable of the same name in capitals. The Temporal server is configured by the
variables of `temporalio.envconfig` (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS, API key); see
`bookings/client.py`.
"""

import argparse
import ipaddress
import logging
import os
import re
import stat
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, SecretStr, ValidationError

CONFIGURATION_ERROR = 2
"""The exit status of a process that cannot run as configured, so restarting it would not help."""

SHORTEST_TOKEN = 16

SECRETS = "_TOKEN|^ENCRYPTION_KEYS|^SEARCH_KEY"
"""Variables that are a mistake when they are empty: something would go unprotected."""

log = logging.getLogger(__name__)

Port = Annotated[int, Field(ge=1, le=65535)]
Share = Annotated[int, Field(ge=1, le=500)]
Address = Annotated[str, Field(pattern=r"^([^\s/]+:[0-9]{1,5})?$")]
Queue = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{0,64}$")]


class Settings(BaseModel):
    """The environment variables; times are in seconds."""

    model_config = ConfigDict(frozen=True, alias_generator=str.upper)

    host: str = "127.0.0.1"
    port: Port = 5000
    public_url: Annotated[str, Field(pattern=r"^(https?://[^/?#@\s]+)?$")] = ""
    book_wait_seconds: Annotated[float, Field(ge=0, le=600)] = 30
    waiting_places: Annotated[int, Field(ge=1, le=2000)] = 200
    backlog_limit: PositiveFloat = 10
    client_waiting_places: Annotated[int, Field(ge=1, le=2000)] = 100
    client_open_bookings: Annotated[int, Field(ge=1)] = 50
    client_requests_per_second: Annotated[float, Field(gt=0)] = 50
    api_tokens: SecretStr | None = None
    api_tokens_file: Path | None = None
    staff_tokens: SecretStr | None = None
    staff_tokens_file: Path | None = None
    staff_log: Path | None = None

    log_format: Literal["text", "json"] = "text"
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""

    encryption_keys: SecretStr | None = None
    encryption_keys_file: Path | None = None
    search_key: SecretStr | None = None
    search_key_file: Path | None = None
    codec_tokens: SecretStr | None = None
    codec_tokens_file: Path | None = None

    data_dir: Path = Path("data")
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 400
    temporal_port: Port = 7233
    temporal_ui_port: Port = 8233
    temporal_ui_url: str = ""
    break_it_url: Annotated[str, Field(pattern=r"^(http://127\.0\.0\.1:[0-9]{1,5})?$")] = ""

    car_supplier: str = ""
    hotel_supplier: str = ""
    flight_supplier: str = ""
    car_supplier_token: SecretStr | None = None
    hotel_supplier_token: SecretStr | None = None
    flight_supplier_token: SecretStr | None = None
    car_supplier_token_file: Path | None = None
    hotel_supplier_token_file: Path | None = None
    flight_supplier_token_file: Path | None = None
    supplier_ca: Path | None = None
    supplier_client_cert: Path | None = None
    supplier_client_key: Path | None = None
    supplier_timeout: Annotated[float, Field(gt=0, lt=20)] = 8
    plain_http_suppliers: bool = False
    supplier_tokens: SecretStr | None = None
    supplier_tokens_file: Path | None = None

    metrics_address: Address = ""
    worker_metrics_address: Address = ""
    worker_health_address: Address = ""

    car_queue: Queue = ""
    hotel_queue: Queue = ""
    flight_queue: Queue = ""
    worker_queue: Queue = ""
    calls_per_second: PositiveFloat | None = None

    temporal_deployment_name: str = ""
    temporal_worker_build_id: str = ""

    demo_faults: bool | None = None
    calls_at_once: Share = 16
    undos_at_once: Share = 8
    notices_at_once: Share = 4
    leg_deadline: PositiveFloat = 60
    first_try: Annotated[float, Field(ge=0, le=2)] = 1
    undo_patience: PositiveFloat = 10

    client_mails_per_hour: Annotated[int, Field(ge=1)] = 1000
    address_mails_per_hour: Annotated[int, Field(ge=1)] = 20
    smtp_url: str = ""
    mail_from: str = "bookings@localhost"
    staff_mail: str = ""
    alert_url: SecretStr = SecretStr("")

    @classmethod
    def load(cls) -> Self:
        """Read the environment; an invalid value ends the process with one message.

        An empty variable counts as unset, unless it is one for tokens or for keys of encryption.
        """
        try:
            return cls.model_validate(
                {name: it for name, it in os.environ.items() if it or re.search(SECRETS, name)}
            )
        except ValidationError as error:
            first = error.errors()[0]
            give_up(f"{first['loc'][0]}={first['input']!r} is invalid: {first['msg']}.")

    def supplier_url(self, leg: str) -> str:
        """The URL of a leg's supplier; by default, its own SQLite file in `DATA_DIR`."""
        url: str = getattr(self, f"{leg}_supplier")
        return url or f"sqlite:///{self.data_dir.absolute() / leg}.db"

    def queues(self) -> dict[str, str]:
        """The legs whose activities have a task queue of their own, and its name."""
        queues = {"car": self.car_queue, "hotel": self.hotel_queue, "flight": self.flight_queue}
        return {leg: queue for leg, queue in queues.items() if queue}

    def supplier_token(self, leg: str) -> str:
        """The bearer token for a leg's supplier over HTTP; empty if it needs none."""
        tokens = self.secrets(f"{leg}_supplier_token")
        if len(tokens) > 1:
            give_up(f"{leg.upper()}_SUPPLIER_TOKEN must be one token.")
        return "".join(tokens)

    def secrets(self, name: str) -> list[str]:
        """What a variable or its file holds; a mistake ends the process with one message."""
        try:
            return self.read_secrets(name)
        except ValueError as error:
            give_up(str(error))

    def read_secrets(self, name: str) -> list[str]:
        """What a variable or its file holds now; one that is set and holds nothing is a mistake.

        Raises:
            ValueError: It cannot be used; the message says why.
        """
        variable, given, file = name.upper(), getattr(self, name), getattr(self, f"{name}_file")
        if given is None and file is None:
            return []
        if given and file:
            raise ValueError(f"Set {variable} or {variable}_FILE, not both.")
        text = read_secret(f"{variable}_FILE", file) if file else given.get_secret_value()
        found = re.findall(r"[^\s,]+", text)
        if not found:
            raise ValueError(f"{variable} is set, but holds no token. Unset it, or set tokens.")
        if not all(re.fullmatch("[!-~]+", token) for token in found):
            raise ValueError(f"{variable} must be printable ASCII.")
        return found

    @property
    def has_clients(self) -> bool:
        """Whether clients or staff need tokens; if not, everybody may do everything."""
        given = (self.api_tokens, self.api_tokens_file, self.staff_tokens, self.staff_tokens_file)
        return any(it is not None for it in given)

    @property
    def ui_url(self) -> str:
        """The address of Temporal's Web UI, for people."""
        return (self.temporal_ui_url or f"http://localhost:{self.temporal_ui_port}").rstrip("/")


def take_no_arguments(description: str | None) -> None:
    """Let a program that is configured by its environment say with `--help` what it is."""
    configured = "It takes no arguments: see docs/configuration.md for its environment variables."
    argparse.ArgumentParser(description=description, epilog=configured).parse_args()


def read_secret(variable: str, file: Path) -> str:
    """What a file with a secret holds; whoever else can read it is warned of.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        text = file.read_text()
        if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            log.warning("Others on this machine can read %s (%s): chmod 600 it.", file, variable)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{variable} cannot be read: {error}.") from error
    return text


def is_loopback(host: str) -> bool:
    """Whether a host is reachable only from this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def give_up(message: str) -> NoReturn:
    """Print why the process cannot run as configured, and end it."""
    print(message, file=sys.stderr, flush=True)
    raise SystemExit(CONFIGURATION_ERROR)
