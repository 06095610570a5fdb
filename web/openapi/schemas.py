"""The schemas of requests and responses, generated from the models that validate them."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import CoreSchema, core_schema

from bookings.events import Story
from bookings.listing import BookingPage
from bookings.reading import Booking
from web.answers import BookAnswer
from web.openapi.parts import Json
from web.problems import Problem
from web.requests import BookingRequest

ANSWERS = (BookAnswer, Booking, BookingPage, Story, Problem)


class RequestSchema(GenerateJsonSchema):
    """A schema without titles, which would only repeat the field names."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        """No title is set."""
        return False


class AnswerSchema(RequestSchema):
    """The schema of a response, which omits fields that are null, and no others."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Json:
        """Return the schema without null, which is never sent."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        """Return the schema without the default, which is sent like any other value."""
        return self.generate_inner(schema["schema"])

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Only a field that may be null can be missing."""
        return field["schema"].get("default", ...) is not None


def schemas() -> dict[str, Json]:
    """All schemas, by the names of their models."""
    _, answers = models_json_schema(
        [(model, "serialization") for model in ANSWERS],
        ref_template="#/components/schemas/{model}",
        schema_generator=AnswerSchema,
    )
    request = BookingRequest.model_json_schema(schema_generator=RequestSchema)
    return {"BookingRequest": request, **answers["$defs"]}
