"""What schemathesis is told about the service beyond its description."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

from web.requests import KEY


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Make every key that is one a key of its own: used again with another body, it is refused.

    A wait that is no number is refused too, and is not what the description means.
    """
    if "wait" in case.headers.get("Prefer", "").lower():
        case.headers["Prefer"] = "wait=1"
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(KEY, key):
        case.headers["Idempotency-Key"] = own(key)


def own(key: str) -> str:
    """A key that was never used, like this one."""
    quote = '"' if key.startswith('"') else ""
    return f"{quote}{uuid4().hex}{key.strip(quote or None)[:200]}{quote}"
