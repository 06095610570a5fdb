"""The code that a page quotes, and where it is: `python -m tests.docs.quotes` mends the lines.

A quote is a link to lines of a file, at the end of a paragraph, with a Python block below it.
"""

import re
import textwrap
from pathlib import Path

from tools.helpers.processes import ROOT

PAGE = ROOT / "docs" / "learn.md"
QUOTE = re.compile(
    r"\]\(\.\./(?P<file>[\w/.]+\.py)#(?P<lines>L\d+-L\d+)\)[^\n]*\n\n```python\n(?P<code>.*?)```",
    re.DOTALL,
)


def lines_of(file: Path, code: str) -> str:
    """The lines at which a file has this code, indented or not, as a link names them."""
    text = file.read_text().splitlines()
    length = len(code.splitlines())
    starts = [
        start
        for start in range(len(text))
        if textwrap.dedent("\n".join(text[start : start + length])) == code.rstrip("\n")
    ]
    assert len(starts) == 1, f"{file.name} has this {len(starts)} times; quote it anew:\n{code}"
    return f"L{starts[0] + 1}-L{starts[0] + length}"


def mended(page: str) -> str:
    """The page with the right lines in its links."""

    def right(quote: "re.Match[str]") -> str:
        lines = lines_of(ROOT / quote["file"], quote["code"])
        return quote[0].replace(quote["lines"], lines, 1)

    return QUOTE.sub(right, page)


if __name__ == "__main__":
    PAGE.write_text(mended(PAGE.read_text()))
