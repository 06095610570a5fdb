"""The description of the API: OpenAPI 3.1 at `/openapi.json`, and as a page at `/docs`."""

import json
from typing import Any

from flask import Blueprint, Response, render_template, request
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import CoreSchema, core_schema

from settings import Settings
from web.answers import BookAnswer
from web.apidocs import page
from web.apidocs.operations import PATHS
from web.apidocs.parts import Json
from web.listing import BookingPage
from web.problems import Problem
from web.reading import Booking
from web.requests import FORM_KEY, KEY, BookingRequest

MODELS: list[tuple[Any, JsonSchemaMode]] = [
    (BookingRequest, "validation"),
    (BookAnswer, "serialization"),
    (Booking, "serialization"),
    (BookingPage, "serialization"),
    (Problem, "serialization"),
]

ABOUT = """A trip is a car, a hotel and a flight. A traveller gets all three or none, whatever \
fails and whatever dies."""

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "For programs: your token."},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "For browsers: your name, and your token as the password.",
    },
}


class Schemas(GenerateJsonSchema):
    """Schemas that tell what is answered: fields that are null are left out, all others sent."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Json:
        """Null is something to send, and never answered."""
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().nullable_schema(schema)

    def field_is_required(self, field: Any, total: bool) -> bool:
        """A field of an answer may be missing only if it may be null."""
        if self.mode == "serialization" and field["schema"]["type"] == "default":
            return field["schema"].get("default", ...) is not None
        return super().field_is_required(field, total)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        """What is left out means its default; in an answer nothing is."""
        found = super().default_schema(schema)
        if self.mode == "serialization" or found.get("default", ...) is None:
            found.pop("default", None)
        return found

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        """Titles would only repeat the fields' names."""
        return False


def schemas() -> Json:
    """The models' schemas, by name."""
    _, found = models_json_schema(
        MODELS, ref_template="#/components/schemas/{model}", schema_generator=Schemas
    )
    named: Json = found["$defs"]
    for schema in named.values():
        schema.pop("title", None)
    return named | {"BookingForm": form(named["BookingRequest"])}


def form(asked: Json) -> Json:
    """The schema of the form, which is that of a request with a key; empty means left out."""
    optional = {
        name: field | {"anyOf": [{"const": ""}, *(it for it in field["anyOf"] if "pattern" in it)]}
        for name, field in asked["properties"].items()
        if name not in asked["required"]
    }
    key = {
        "description": "Makes one trip of the form, however often it is sent.",
        "anyOf": [{"const": ""}, {"type": "string", "pattern": KEY}],
    }
    return asked | {"properties": asked["properties"] | optional | {FORM_KEY: key}}


def document(tokens: bool) -> Json:
    """The description of a service where tokens are needed, or not."""
    secured: list[Json] = [{scheme: []} for scheme in SCHEMES]
    return {
        "openapi": "3.1.1",
        "info": {"title": "Trips", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": secured if tokens else [{}, *secured],
        "paths": PATHS,
        "components": {"schemas": schemas(), "securitySchemes": SCHEMES},
    }


def create_blueprint(settings: Settings) -> Blueprint:
    """The description's routes."""
    routes = Blueprint("api", __name__)
    described = document(tokens=bool(settings.tokens()))
    written = json.dumps(described)

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(written, mimetype="application/json")

    @routes.get("/docs")
    def docs() -> str:
        return render_template("api.html", told=page, document=described, base=request.host_url)

    return routes
