"""Cursors: where the next page of a list begins, in Temporal's own terms."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from bookings.errors import BadCursor

CHECKSUM_BYTES = 12


def cursor_of(token: bytes, query: str) -> str:
    """Temporal's token for the next page, with a sum that tells whether it is of this list.

    Temporal answers a token that it did not give with an internal error, and not at once.
    """
    return urlsafe_b64encode(checksum(token, query) + token).decode()


def token_of(cursor: str, query: str) -> bytes:
    """The token in a cursor.

    Raises:
        BadCursor: The cursor is none that an earlier page of this list gave.
    """
    try:
        found = urlsafe_b64decode(cursor.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error):
        found = b""
    token = found[CHECKSUM_BYTES:]
    if not token or checksum(token, query) != found[:CHECKSUM_BYTES]:
        raise BadCursor
    return token


def checksum(token: bytes, query: str) -> bytes:
    """What binds a token to its list."""
    return hashlib.sha256(query.encode() + token).digest()[:CHECKSUM_BYTES]
