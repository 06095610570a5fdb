"""The parts of an operation: what it takes, and what it can answer."""

from typing import Any

from pydantic import BaseModel

from bookings.reading import Booking
from web.answers import BookAnswer
from web.problems import Problem

Json = dict[str, Any]


def header(description: str, example: str, required: bool = True, **schema: Any) -> Json:
    """A header of an answer."""
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
        "example": example,
    }


def parameter(place: str, name: str, description: str, example: str, **schema: Any) -> Json:
    """A parameter; only those in the path are required."""
    return {"in": place, "name": name} | header(description, example, place == "path", **schema)


def body(model: type[BaseModel], examples: Json, mimetype: str = "application/json") -> Json:
    """A body that is validated by a model, with examples by their names."""
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
    """An answer that is no problem."""
    shown = {it.status.value: it.model_dump(mode="json", exclude_none=True) for it in examples}
    about = {"description": description, "headers": headers}
    return {str(status): about | body(model, shown)}


def problem(status: int, *details: str, headers: Json | None = None) -> Json:
    """A problem, described by every detail that it can have."""
    about = {"description": "\n\n".join(details), "headers": headers or {}}
    return {str(status): about | body(Problem, {}, "application/problem+json")}
