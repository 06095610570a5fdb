"""What everybody who talks to Temporal about trips must have alike: web, worker, replay, tests."""

from dataclasses import replace

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DefaultFailureConverterWithEncodedAttributes
from temporalio.plugin import SimplePlugin

from bookings.codec import ClearPayloadConverter, codec_of
from runtime import tracing
from settings import Settings


def plugin(settings: Settings) -> SimplePlugin:
    """How messages are encoded, and with `ENCRYPTION_KEYS` encrypted, with the texts of failures.

    Where traces are configured, they go on through Temporal. Give it to a client, whose workers
    take it over, or a replayer. A mistake in the keys ends the process.
    """
    converter = replace(pydantic_data_converter, payload_converter_class=ClearPayloadConverter)
    if codec := codec_of(settings):
        converter = replace(
            pydantic_data_converter,
            payload_codec=codec,
            failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
        )
    tracing.begin(settings, "trips")
    traces = tracing.plugin()
    return SimplePlugin(
        "trips",
        data_converter=converter,
        interceptors=traces.interceptors if traces else None,
        workflow_runner=traces.workflow_runner if traces else None,
    )
