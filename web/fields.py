"""What a field may hold: the same patterns validate a request and stand in its description."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffd-\uffff"
"""What nobody types: controls, line separators, turned directions, and what was not readable."""

BLANK = r" \u00a0\u1680\u2000-\u200f\u202f\u205f-\u2064\u3000\ufeff"
"""What cannot be seen: spaces of every width, and of none."""

VISIBLE = f"^[^{CONTROL}]*[^{CONTROL}{BLANK}][^{CONTROL}]*$"
NUMBER = "^(0{0,2}[1-9]|0?10)$"
ADDRESS = "^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,185}$"


def plain(text: str) -> str:
    """Text that people can see: not blank, and no control characters."""
    if not re.fullmatch(VISIBLE, text):
        raise ValueError("must be visible text, without control characters")
    return text


def whole_number(value: Any) -> Any:
    """A number of attempts may also come as a numeric string; true and false are no numbers."""
    if isinstance(value, bool) or (
        isinstance(value, str) and not re.fullmatch("[0-9]{1,3}", value)
    ):
        raise ValueError("must be a whole number")
    return value


def address(text: str) -> str:
    """An address that a mail server would take; whether it exists, only a message can tell."""
    if not re.fullmatch(ADDRESS, text):
        raise ValueError("must be an e-mail address, such as jane@example.com")
    return text


SEEN = Field(json_schema_extra={"pattern": VISIBLE})
Item = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(plain), SEEN]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(plain), SEEN]
Attempts = Annotated[
    int,
    Field(ge=1, le=10),
    BeforeValidator(whole_number),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 10},
                {"type": "string", "pattern": NUMBER},
            ]
        }
    ),
]
Address = Annotated[str, AfterValidator(address), Field(json_schema_extra={"pattern": ADDRESS})]
