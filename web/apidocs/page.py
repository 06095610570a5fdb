"""How the page tells the description: a call as a command, a schema in words."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup, escape

from web.apidocs.parts import Json


def code(text: str) -> Markup:
    """A text with what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped)


def pretty(value: Any) -> str:
    """A value as JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def name_of(schema: Json) -> str:
    """The name of the schema that a reference points to; empty if it is none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def words(schema: Json) -> str:
    """What a value may be."""
    if "$ref" in schema:
        return name_of(schema)
    if "anyOf" in schema:
        return " or ".join(map(words, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in values(schema))
    match schema.get("type"):
        case "array":
            return f"list of {words(schema['items'])}"
        case "object" if "additionalProperties" in schema:
            return f"{words(schema['additionalProperties'])} by {words(schema['propertyNames'])}"
        case "integer" if "minimum" in schema:
            return f"integer, {schema['minimum']} to {schema['maximum']}"
        case "string" if "maxLength" in schema:
            return f"string, at most {schema['maxLength']} characters"
        case "string" if "format" in schema:
            return str(schema["format"])
        case kind:
            return str(kind)


def values(schema: Json) -> list[Any]:
    """The values that a schema names one by one."""
    return list(schema.get("enum") or [schema["const"]])


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """The method, the path and the description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def examples(body: Json) -> list[tuple[str, Any]]:
    """The examples of a body, each with what it shows."""
    if "example" in body:
        return [("Example", body["example"])]
    return [(it["summary"], it["value"]) for it in body.get("examples", {}).values()]


def curl(base: str, method: str, path: str, operation: Json) -> str:
    """A command that makes the call with the examples of the description."""
    given = operation.get("parameters", [])
    for it in given:
        if it["in"] == "path":
            path = path.replace(f"{{{it['name']}}}", it["example"])
    parts = ["curl", shlex.quote(base.rstrip("/") + path)]
    if method == "POST" and "requestBody" not in operation:
        parts += ["--request POST"]
    if any(it["in"] == "query" for it in given):
        parts += ["--get"]
    parts += [
        f"--data-urlencode {shlex.quote(it['name'] + '=' + it['example'])}"
        for it in given
        if it["in"] == "query" and it["example"]
    ]
    headers = {it["name"]: it["example"] for it in given if it["in"] == "header"}
    if "requestBody" in operation:
        headers["Content-Type"] = "application/json"
    parts += [f"--header {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]
        parts += ["--data " + shlex.quote(json.dumps(examples(body)[0][1]))]
    return " \\\n  ".join([" ".join(parts[:2]), *parts[2:]])
