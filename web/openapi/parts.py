"""Builders for the parts of an operation."""

from typing import Any

from pydantic import BaseModel

from bookings.reading import Booking
from web import request_ids
from web.answers import BookAnswer
from web.problems import Problem, kind_of

Json = dict[str, Any]


def header(description: str, example: str, required: bool = True, **schema: Any) -> Json:
    """A response header."""
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
        "example": example,
    }


REQUEST_ID = {
    request_ids.HEADER: header(
        "The request, in our log.", "2f9d1c6e", pattern=f"^{request_ids.VALID}$"
    )
}


def parameter(place: str, name: str, description: str, example: str, **schema: Any) -> Json:
    """A parameter; only those in the path are required."""
    return {"in": place, "name": name} | header(description, example, place == "path", **schema)


def body(model: type[BaseModel], examples: Json, mimetype: str = "application/json") -> Json:
    """A body with a model's schema, and named examples."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"content": {mimetype: {"schema": schema, "examples": shown}}}


def answer(
    status: int,
    description: str,
    headers: Json,
    model: type[BaseModel],
    *examples: Booking | BookAnswer,
) -> Json:
    """A response that is not a problem."""
    shown = {it.status.value: it.model_dump(mode="json", exclude_none=True) for it in examples}
    about = {"description": description, "headers": headers | REQUEST_ID}
    return {str(status): about | body(model, shown)}


def problem(*errors: type[Exception], headers: Json | None = None) -> Json:
    """The problems with the status of the first, described by all of their types and details."""
    kinds = [kind_of(error) for error in errors]
    words = "\n\n".join(it.detail for it in kinds)
    about = {"description": words, "headers": REQUEST_ID | (headers or {})}
    described = body(Problem, {}, "application/problem+json")
    schema = described["content"]["application/problem+json"]["schema"]
    schema["properties"] = {"type": {"enum": [it.type for it in kinds]}}
    return {str(kinds[0].status): about | described}
