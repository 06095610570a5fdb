"""Texts that come from outside."""

import unicodedata

LONGEST = 200


def cleaned(text: str) -> str:
    """Somebody else's words on one short line: no controls, bidi overrides or half characters."""
    lines = "".join(" " if char.isspace() else char for char in text)
    visible = "".join(char for char in lines if not unicodedata.category(char).startswith("C"))
    return " ".join(visible.split())[:LONGEST]
