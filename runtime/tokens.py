"""The clients' tokens: who may use the service, and how long a wrong guess waits."""

import hashlib
import ipaddress
import logging
import re
from pathlib import Path

from settings import SHORTEST_TOKEN, Settings
from web.buckets import Buckets

FORGIVEN_PER_SECOND = 1 / 60
FIRST_DELAY, LONGEST_DELAY, DOUBLINGS = 0.1, 10.0, 8

log = logging.getLogger(__name__)


class Tokens:
    """The tokens of `API_TOKENS` or its file, which is read again when it changes.

    Raises:
        ValueError: They cannot be used; the message says why.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._version = version_of(settings.api_tokens_file)
        self._names = names_of(settings.read_secrets("api_tokens"))

    @property
    def clients(self) -> int:
        """How many clients have a token."""
        return len(set(self._names.values()))

    def client_of(self, token: str) -> str:
        """The name of the client whose token this is; empty if it is nobody's."""
        version = version_of(self._settings.api_tokens_file)
        if version != self._version:
            self._version = version
            try:
                self._names = names_of(self._settings.read_secrets("api_tokens"))
            except ValueError as error:
                log.error("The tokens stay as they were. %s", error)
        return self._names.get(digest(token), "")


class Guesses:
    """Wrong tokens, by the address that they come from."""

    def __init__(self) -> None:
        self._buckets = Buckets(DOUBLINGS, FORGIVEN_PER_SECOND)

    def delay(self, address: str) -> float:
        """Seconds until the answer to another wrong token; twice as long as for the one before."""
        level = self._buckets.add(neighbourhood(address)) or DOUBLINGS
        return min(FIRST_DELAY * 2 ** (level - 1), LONGEST_DELAY)


def names_of(pairs: list[str]) -> dict[bytes, str]:
    """The name of each client by the digests of its tokens.

    Raises:
        ValueError: A pair is invalid.
    """
    names: dict[bytes, str] = {}
    for number, pair in enumerate(pairs, start=1):
        name, _, token = pair.partition(":")
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
        raise ValueError(f"API_TOKENS {problem}; see pair {number}.")
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


def neighbourhood(address: str) -> str:
    """The addresses that one guesser can have: in IPv6, a network of them."""
    try:
        network = ipaddress.ip_network(f"{address}/64", strict=False)
    except ValueError:
        return address
    return str(network)
