"""The names of a booking: an unguessable id, and a readable one."""

import hashlib
import json
import re
import secrets
import unicodedata
from datetime import UTC, datetime
from time import time_ns
from uuid import UUID

FIRST = 1_704_067_200_000
"""The milliseconds at the start of 2024: no booking is older."""


def new_key() -> str:
    """A new idempotency key: a UUID of version 7 (RFC 9562), which says when it was made."""
    bits = (time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62  # the version, and the variant
    return str(UUID(int=bits))


def booking_id_for(client: str, key: str) -> str:
    """The id of a client's booking with an idempotency key, which ends with the key's time.

    So one can still tell that a booking was, after Temporal has forgotten it.
    """
    digits = hashlib.sha256(json.dumps([client, key]).encode()).hexdigest()
    return f"trip-{digits[:20]}{_time_of(key) or digits[20:32]}"


def named_at(booking_id: str) -> datetime | None:
    """When the key of a booking was made; None if its id does not say so.

    Of the ids whose keys name no time, one in some thousand seems to.
    """
    milliseconds = int(booking_id[-12:], 16)
    if not FIRST <= milliseconds <= time_ns() // 1_000_000:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def user_id(name: str, booking_id: str) -> str:
    """The readable name of a booking: a slug of the traveller's name, and six constant digits."""
    words = slug(name)[:40].strip("-")
    if not re.search("[a-z]", words):
        words = "traveller"
    digits = int(booking_id.removeprefix("trip-"), 16) % 900_000 + 100_000
    return f"{words}-{digits}"


def slug(text: str) -> str:
    """The ASCII letters and digits of a text, in lower case, with dashes between the words."""
    plain_ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain_ascii).strip("-")


def _time_of(key: str) -> str | None:
    """The milliseconds since 1970 in a UUID of version 7, as twelve digits."""
    try:
        found = UUID(key)
    except ValueError:
        return None
    return found.hex[:12] if found.version == 7 else None
