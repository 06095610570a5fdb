"""Reads a page of ours as somebody sees it: its words, part by part."""

from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}
"""Elements without an end."""


class PageWords(HTMLParser):
    """The texts of each element that has an id, and its classes."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.classes: dict[str, list[str]] = {}
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that begins."""
        if tag in VOID:
            return
        given = dict(attrs)
        name = given.get("id") or ""
        self._open.append(name)
        self.classes[name] = (given.get("class") or "").split()
        self.texts.setdefault(name, [])

    def handle_endtag(self, tag: str) -> None:
        """Note an element that ends."""
        if tag not in VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Keep a text for every element that it is in."""
        if text := " ".join(data.split()):
            for name in self._open:
                self.texts[name].append(text)
