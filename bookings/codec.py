"""Encryption of what Temporal stores: AES-GCM, with a ring of keys from the environment."""

import hmac
import re
from base64 import b64decode
from collections.abc import Sequence
from os import urandom
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    EncodingPayloadConverter,
    PayloadCodec,
)

from settings import Settings, give_up

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
NONCE_BYTES = 12
SHORTEST_SEARCH_KEY = 32


class MissingKey(Exception):
    """A payload cannot be decrypted; the text says which key is missing."""


class Codec(PayloadCodec):
    """Encrypts payloads with the first key; decrypts with all, and leaves clear ones as they are.

    Args:
        ring: The keys by their ids; at least one.
    """

    def __init__(self, ring: dict[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.items()}
        self._first = next(iter(ring))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt whole payloads, with their metadata."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads.

        Raises:
            MissingKey: The ring lacks the key of one.
        """
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce, key_id = urandom(NONCE_BYTES), self._first.encode()
        data = self._ciphers[self._first].encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(metadata={"encoding": ENCODING, KEY_ID: key_id}, data=nonce + data)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get(KEY_ID, b"")
        name = key_id.decode(errors="replace")
        if name not in self._ciphers:
            raise MissingKey(f"Encryption key {name!r} is missing. Add it to ENCRYPTION_KEYS.")
        nonce, data = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(self._ciphers[name].decrypt(nonce, data, key_id))
        except InvalidTag:
            raise MissingKey(
                f"Encryption key {name!r} is not the one that was used. Correct ENCRYPTION_KEYS."
            ) from None


class Encrypted(EncodingPayloadConverter):
    """What is encrypted, to a process without keys."""

    encoding = ENCODING.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """Leave every value to other converters."""
        return None

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        """Read nothing.

        Raises:
            MissingKey: Always.
        """
        raise MissingKey("Temporal has encrypted bookings. Set ENCRYPTION_KEYS and SEARCH_KEY.")


class ClearPayloadConverter(CompositePayloadConverter):
    """Pydantic's converter, which also recognises what is encrypted."""

    def __init__(self) -> None:
        super().__init__(*PydanticPayloadConverter().converters.values(), Encrypted())


def codec_of(settings: Settings) -> Codec | None:
    """The codec of `ENCRYPTION_KEYS`; None without keys. A mistake ends the process."""
    entries, hashing = settings.secrets("encryption_keys"), search_key(settings)
    if entries and not hashing:
        give_up("ENCRYPTION_KEYS needs SEARCH_KEY too, or names would stay readable in searches.")
    try:
        return Codec(key_ring(entries)) if entries else None
    except ValueError as error:
        give_up(str(error))


def key_ring(entries: list[str]) -> dict[str, bytes]:
    """The keys by their ids, in their order.

    Raises:
        ValueError: An entry is invalid; the message does not show it.
    """
    ring: dict[str, bytes] = {}
    for number, entry in enumerate(entries, start=1):
        key_id, _, text = entry.partition(":")
        try:
            key = b64decode(text, validate=True)
        except ValueError:
            key = b""
        if not re.fullmatch("[A-Za-z0-9_.-]{1,64}", key_id) or len(key) != 32:
            problem = "must be id:key pairs, each key 32 bytes in base64 (openssl rand -base64 32)"
        elif key_id in ring:
            problem = "has the same id twice"
        else:
            ring[key_id] = key
            continue
        raise ValueError(f"ENCRYPTION_KEYS {problem}; see number {number}.")
    return ring


def search_key(settings: Settings) -> bytes:
    """The key for what bookings are found by; empty without one. A mistake ends the process."""
    found = settings.secrets("search_key")
    if found and (len(found) > 1 or len(found[0]) < SHORTEST_SEARCH_KEY):
        give_up(f"SEARCH_KEY must be one word of at least {SHORTEST_SEARCH_KEY} characters.")
    return "".join(found).encode()


def keyed_hash(key: bytes, text: str) -> str:
    """128 bits of HMAC-SHA256, as 32 hexadecimal digits."""
    return hmac.digest(key, text.encode(), "sha256").hex()[:32]
