"""The names of a booking: an unguessable id, and a readable one."""

import hashlib
import json
import re
import secrets
import unicodedata


def booking_id_for(client: str, key: str | None) -> str:
    """A new booking's id, always the same for a client and idempotency key."""
    if key is None:
        return f"trip-{secrets.token_hex(16)}"
    return f"trip-{hashlib.sha256(json.dumps([client, key]).encode()).hexdigest()[:32]}"


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
