"""Cursors: Temporal's page tokens, bound to the list that they belong to."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from bookings.errors import BadCursor

CHECKSUM_BYTES = 12


def cursor_of(token: bytes, query: str) -> str:
    """Temporal's token for the next page, with a checksum that binds it to this list.

    Without it, any other token would be an internal error at Temporal, and a slow one.
    """
    return urlsafe_b64encode(checksum(token, query) + token).decode()


def token_of(cursor: str, query: str) -> bytes:
    """The token in a cursor.

    Raises:
        BadCursor: No page of this list has issued the cursor.
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
    """The checksum of a token and its list."""
    return hashlib.sha256(query.encode() + token).digest()[:CHECKSUM_BYTES]
