"""The values that fields accept: the same patterns validate requests and describe them."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffd-\uffff"
"""Controls, line separators, bidi overrides and replacement characters, which nobody types.

They could forge a log line or disguise a name on a page.
"""

BLANK = r" \u00a0\u1680\u2000-\u200f\u202f\u205f-\u2064\u3000\ufeff"
"""Invisible characters: spaces of every width, including none."""

VISIBLE = f"^[^{CONTROL}]*[^{CONTROL}{BLANK}][^{CONTROL}]*$"
NUMBER = "^(0{0,2}[1-9]|0?10)$"
WORD = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = rf"^{WORD}(\.{WORD})*@{LABEL}(\.{LABEL})*$"
"""One address, which no mail program reads as several, nor as another with a comment or a name."""

LONGEST_ADDRESS = 254


def plain(text: str) -> str:
    """Validate visible text: not blank, and without control characters."""
    if not re.fullmatch(VISIBLE, text):
        raise PydanticCustomError(
            "not_visible", "This must be visible text, without control characters."
        )
    return text


def whole_number(value: Any) -> Any:
    """Accept numeric strings too, as forms send them, but no booleans, which are ints to Python."""
    if isinstance(value, bool) or (
        isinstance(value, str) and not re.fullmatch("[0-9]{1,3}", value)
    ):
        raise PydanticCustomError("not_a_whole_number", "This must be a whole number.")
    return value


def address(text: str) -> str:
    """Validate an address that a mail server would accept; only a mail shows whether it exists."""
    if not re.fullmatch(ADDRESS, text):
        raise PydanticCustomError(
            "not_an_address", "This must be an e-mail address, such as jane@example.com."
        )
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
Address = Annotated[
    str,
    StringConstraints(max_length=LONGEST_ADDRESS),
    AfterValidator(address),
    Field(json_schema_extra={"pattern": ADDRESS}),
]
