"""The Temporal client, one per process, and the server's address."""

import asyncio
import logging
from functools import cache

from temporalio.client import Client
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RetryConfig

from bookings.plugin import plugin
from runtime.metrics import make_runtime
from settings import Settings, is_loopback

log = logging.getLogger(__name__)


def external_address() -> str | None:
    """The `host:port` of the configured server; None means the embedded one."""
    return ClientConfig.load_client_connect_config().get("target_host")


def connect_config(settings: Settings) -> ClientConnectConfig:
    """The server's configuration, with the embedded server's address as the default."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", f"127.0.0.1:{settings.temporal_port}")
    config.setdefault("namespace", "default")
    return config


def rehearses(settings: Settings) -> bool:
    """Whether clients may ask for faults; by default only if there are no clients but this machine.

    A tunnel or a sidecar brings a production server to loopback, so its address tells nothing.
    """
    if settings.demo_faults is not None:
        return settings.demo_faults
    return external_address() is None and not settings.has_clients


def warn_of_clear_text(settings: Settings) -> None:
    """Log if everything that goes to Temporal can be read on the way."""
    config = connect_config(settings)
    host = config["target_host"].rpartition(":")[0]
    if not (is_loopback(host) or config.get("tls")):
        log.warning(
            "Trips and names go to Temporal at %s unencrypted. Set TEMPORAL_TLS=true.", host
        )


async def let_sdk_rest() -> None:
    """Pause before the process exits: SDK threads that are still stopping may crash it.

    See sdk-python issue 300; after this pause none of 27 exits crashed.
    """
    await asyncio.sleep(0.25)


@cache
def quiet_runtime() -> Runtime:
    """The runtime of a process without metrics."""
    return make_runtime()


async def connect(
    settings: Settings,
    *,
    lazy: bool = False,
    retry: RetryConfig | None = None,
    runtime: Runtime | None = None,
) -> Client:
    """Connect on the event loop that will use the client, after any fork.

    Args:
        settings: The embedded server's port, unless another server is configured.
        lazy: Connect on first use, so the process can start before Temporal does.
        retry: How long to retry a call; the SDK's default is about ten seconds.
        runtime: The one of this process, if it serves metrics.

    Raises:
        RuntimeError: The server cannot be reached, and `lazy` is not set.
    """
    return await Client.connect(
        **connect_config(settings),
        plugins=[plugin(settings)],
        lazy=lazy,
        runtime=runtime or quiet_runtime(),
        retry_config=retry,
        # Messages are small: compressing them costs more than it saves.
        grpc_compression=GrpcCompression.NONE,
    )
