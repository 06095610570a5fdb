"""The tokens that a service accepts, or their hashes: whose they are."""

import hashlib
import logging
import re
from functools import partial
from pathlib import Path

from settings import SHORTEST_TOKEN, Settings

ANYBODY = "anybody"
"""The name of whoever has a token where tokens have no names."""

log = logging.getLogger(__name__)


class Tokens:
    """The tokens of a variable or its file, which is read again when it changes.

    Args:
        settings: Where they are.
        setting: `api_tokens` and `codec_tokens`, which have names, or `supplier_tokens`.

    Raises:
        ValueError: They cannot be used; the message says why.
    """

    def __init__(self, settings: Settings, setting: str) -> None:
        self._read = partial(settings.read_secrets, setting)
        self._setting, self._file = setting, getattr(settings, f"{setting}_file")
        self._version = version_of(self._file)
        self._names = names_of(setting, self._read())

    @property
    def clients(self) -> int:
        """How many clients have a token."""
        return len(set(self._names.values()))

    def client_of(self, token: str) -> str:
        """The name of the client whose token this is; empty if it is nobody's."""
        version = version_of(self._file)
        if version != self._version:
            self._version = version
            try:
                self._names = names_of(self._setting, self._read())
            except ValueError as error:
                log.error("The tokens stay as they were. %s", error)
        return self._names.get(digest(token), "")


def names_of(setting: str, entries: list[str]) -> dict[bytes, str]:
    """The name of each client by the digests of its tokens.

    Raises:
        ValueError: An entry is invalid.
    """
    names: dict[bytes, str] = {}
    named = setting != "supplier_tokens"
    for number, entry in enumerate(entries, start=1):
        name, _, token = entry.partition(":") if named else (ANYBODY, "", entry)
        hashed = token.removeprefix("sha256:")
        if not (re.fullmatch("[A-Za-z0-9_.-]{1,64}", name) and token):
            problem = "must be name:token or name:sha256:<hash> pairs"
        elif hashed != token and not re.fullmatch("[0-9a-fA-F]{64}", hashed):
            problem = "needs 64 hexadecimal digits after sha256:"
        elif len(token) < SHORTEST_TOKEN:
            problem = f"needs tokens of at least {SHORTEST_TOKEN} characters"
        elif (known := digest(token) if hashed == token else bytes.fromhex(hashed)) in names:
            problem = "has the same token twice"
        else:
            names[known] = name
            continue
        raise ValueError(f"{setting.upper()} {problem}; see number {number}.")
    return names


def digest(token: str) -> bytes:
    """A token's digest: how long it takes to find one tells nothing about the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def version_of(file: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file does; None if there is no file."""
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino, found.st_size) if found else None
