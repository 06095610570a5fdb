"""The errors in a request's fields, in our own words, each with a code for programs."""

from pydantic import BaseModel, ValidationError

WORDS = {
    "missing": ("missing", "This field is required."),
    "extra_forbidden": ("unknown_field", "There is no such field."),
    "model_type": ("not_an_object", "This must be a JSON object."),
    "enum": ("unknown_value", "This must be one of {expected}."),
    "string_type": ("not_text", "This must be text."),
    "string_unicode": ("not_text", "This must be text."),
    "string_too_short": ("empty", "This must not be empty."),
    "string_too_long": ("too_long", "This must have at most {max_length} characters."),
    "int_type": ("not_a_whole_number", "This must be a whole number."),
    "int_parsing": ("not_a_whole_number", "This must be a whole number."),
    "int_parsing_size": ("not_a_whole_number", "This must be a whole number."),
    "int_from_float": ("not_a_whole_number", "This must be a whole number."),
    "greater_than_equal": ("out_of_range", "This must be at least {ge}."),
    "less_than_equal": ("out_of_range", "This must be at most {le}."),
}
"""Our code and words for pydantic's types; those of `web.fields` are our own already."""


class FieldError(BaseModel):
    """An error in one field: `code` is for programs, and `detail` for people."""

    pointer: str
    code: str
    detail: str


def field_errors(error: ValidationError) -> list[FieldError]:
    """The error in each field, without the input, which may be private."""
    found = []
    for each in error.errors(include_url=False, include_input=False):
        code, words = WORDS.get(each["type"], (each["type"], each["msg"]))
        pointer = "/" + "/".join(map(str, each["loc"]))
        detail = words.format(**each.get("ctx", {}))
        found.append(FieldError(pointer=pointer, code=code, detail=detail))
    return found
