"""Encryption: the key ring, the payloads, and what bookings are found by."""

from base64 import b64encode

import pytest
from temporalio.api.common.v1 import Payload

from bookings.codec import Codec, MissingKey, codec_of, key_ring
from bookings.search import condition, search_words, traveller_value
from settings import CONFIGURATION_ERROR, Settings
from shared import BookVacationInput

OLD, NEW = b"o" * 32, b"n" * 32
CLEAR = Payload(metadata={"encoding": b"json/plain"}, data=b'"Ada Lovelace"')


def entry(key_id: str, key: bytes) -> str:
    return f"{key_id}:{b64encode(key).decode()}"


def test_the_first_key_of_a_ring_encrypts_and_all_decrypt() -> None:
    ring = key_ring([entry("new", NEW), entry("old", OLD)])
    assert list(ring.items()) == [("new", NEW), ("old", OLD)]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["new"], "must be id:key pairs"),
        ([b64encode(NEW).decode()], "must be id:key pairs"),
        ([entry("new", NEW[1:])], "32 bytes in base64"),
        (["new:%%%"], "32 bytes in base64"),
        ([entry("new", NEW), entry("new", OLD)], "the same id twice; see number 2"),
    ],
)
def test_a_mistake_in_a_ring_is_told_without_the_key(entries: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        key_ring(entries)
    assert entries[0] not in str(caught.value)


async def test_an_old_key_reads_what_it_wrote_and_a_missing_one_is_named() -> None:
    before = await Codec({"old": OLD}).encode([CLEAR])
    assert b"Ada" not in before[0].SerializeToString()
    assert await Codec({"new": NEW, "old": OLD}).decode(before) == [CLEAR]
    with pytest.raises(MissingKey, match="'old' is missing"):
        await Codec({"new": NEW}).decode(before)
    with pytest.raises(MissingKey, match="is not the one that was used"):
        await Codec({"old": NEW}).decode(before)


async def test_a_payload_cannot_pass_for_one_of_another_key() -> None:
    [payload] = await Codec({"a": OLD}).encode([CLEAR])
    payload.metadata["encryption-key-id"] = b"b"
    with pytest.raises(MissingKey):
        await Codec({"b": OLD}).decode([payload])


async def test_what_is_not_encrypted_is_left_as_it_is() -> None:
    assert await Codec({"new": NEW}).decode([CLEAR]) == [CLEAR]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"ENCRYPTION_KEYS": entry("new", NEW)}, "ENCRYPTION_KEYS needs SEARCH_KEY too"),
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS is set, but"),
        ({"SEARCH_KEY": ""}, "SEARCH_KEY is set, but"),
        ({"SEARCH_KEY": "short"}, "at least 32 characters"),
    ],
)
def test_half_a_configuration_is_refused(
    variables: dict[str, str],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(SystemExit) as caught:
        codec_of(Settings.load())
    assert caught.value.code == CONFIGURATION_ERROR
    assert problem in capsys.readouterr().err


def test_with_a_key_no_word_of_a_trip_is_readable() -> None:
    key = b"s" * 32
    trip = BookVacationInput(
        book_user_id="ada-lovelace-123456",
        book_car_id="a tesla",
        book_hotel_id="the ritz",
        book_flight_id="lh 400",
        name="Ada Lovelace",
        email="ada@example.com",
    )
    found = [*search_words(trip, key), traveller_value(trip, key)]
    assert len(set(found)) == len(search_words(trip)) + 1
    assert not any(word in text for word in search_words(trip) for text in found if len(word) > 2)
    assert search_words(trip, b"t" * 32) != search_words(trip, key)
    assert search_words(trip, key)[1] in condition("LOVELACE", key), "folded as without a key"
