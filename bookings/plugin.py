"""What everybody who talks to Temporal about trips must have alike: web, worker, replay, tests."""

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin

from settings import Settings


def plugin(settings: Settings) -> SimplePlugin:
    """How messages are encoded; give it to a client, whose workers take it over, or a replayer."""
    return SimplePlugin("trips", data_converter=pydantic_data_converter)
