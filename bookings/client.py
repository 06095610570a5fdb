"""One Temporal client for a process: where the server is, and how data is written there."""

import asyncio

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import GrpcCompression, RetryConfig

from settings import Settings, is_loopback


def external_address() -> str | None:
    """The `host:port` of the server that the environment names; None: the embedded one is meant."""
    return ClientConfig.load_client_connect_config().get("target_host")


def connect_config(settings: Settings) -> ClientConnectConfig:
    """What the environment says of the server, completed with the embedded server's address."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", f"127.0.0.1:{settings.temporal_port}")
    config.setdefault("namespace", "default")
    return config


def on_loopback(settings: Settings) -> bool:
    """Whether the Temporal server is on this machine."""
    return is_loopback(connect_config(settings)["target_host"].rpartition(":")[0])


async def let_sdk_rest() -> None:
    """Wait a moment before the process ends: the SDK's threads, still ending, may crash its exit.

    It is sdk-python issue 300; none of 27 exits crashed after this pause.
    """
    await asyncio.sleep(0.25)


async def connect(
    settings: Settings, *, lazy: bool = False, retry: RetryConfig | None = None
) -> Client:
    """Connect on the event loop that will use the client, after any fork.

    Args:
        settings: Where the server is, unless the environment names another.
        lazy: Connect on first use, so that the process can start before Temporal does.
        retry: How long one call is tried; Temporal's own default is about ten seconds.

    Raises:
        RuntimeError: The server cannot be reached, and `lazy` is not set.
    """
    return await Client.connect(
        **connect_config(settings),
        data_converter=pydantic_data_converter,
        lazy=lazy,
        retry_config=retry,
        # Messages are small: to compress them costs more time than it saves on the way.
        grpc_compression=GrpcCompression.NONE,
    )
