"""Searching bookings: by words of the name, the e-mail address and the items, and by ids."""

import json
import re
import unicodedata

from bookings.codec import keyed_hash
from shared import (
    BOOKING_ID,
    CANCEL_SUFFIX,
    SEARCH_WORDS,
    TRAVELLER,
    BookVacationInput,
    Leg,
)

MARKS = "[\u0300-\u036f]"
"""The accents of Latin, Greek and Cyrillic; the marks of other scripts are parts of their words."""

LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ħ": "h",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
    }
)
"""What Unicode does not take for letters with accents, but people do."""

WITHOUT_SPACES = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
"""Chinese and Japanese characters: there are no spaces between the words, so each is a word."""

BEGINNING = "trip-[0-9a-f]{1,32}|[0-9a-f]{6,32}"
"""The beginning of a booking id; without `trip-` it must not be a short word, such as a name."""

NOTHING = "WorkflowId = ''"
MOST_BYTES = 2000
"""Temporal refuses a search attribute of more than 2048."""

MOST_WORDS = 12


def words(text: str) -> list[str]:
    """The words of a text in any script, without case and accents: letters and digits only."""
    letters = re.sub(MARKS, "", unicodedata.normalize("NFKD", text).casefold()).translate(LETTERS)
    folded = re.sub(f"({WITHOUT_SPACES})", r" \1 ", unicodedata.normalize("NFKC", letters))
    return "".join(it if unicodedata.category(it)[0] in "LMN" else " " for it in folded).split()


def search_words(trip: BookVacationInput, key: bytes = b"") -> list[str]:
    """What a trip is found by: all of its words, or as many as Temporal takes, the name's first.

    With a key, each is a keyed hash.
    """
    texts = [trip.name, trip.book_user_id, trip.email or "", *(trip.item(leg) for leg in Leg)]
    found, left = [], MOST_BYTES
    for clear in dict.fromkeys(words(" ".join(texts))):
        word = keyed_hash(key, clear) if key else clear
        left -= len(json.dumps(word)) + len(",")  # as Temporal's SDK encodes it
        if left < 0:
            break
        found.append(word)
    return found


def traveller_value(trip: BookVacationInput, key: bytes = b"") -> str:
    """The user id; with a key, its keyed hash, which no typed word is the beginning of."""
    return f"#{keyed_hash(key, trip.book_user_id)}" if key else trip.book_user_id


def condition(text: str, key: bytes = b"") -> str:
    """The visibility query for what somebody types; no value in it can contain a quote.

    It finds the bookings that have all of the words, in whatever order; those whose user id begins
    like this, as older ones have no words; and those whose booking id does. With a key, it finds
    those from before the key too.
    """
    typed, found = text.strip().lower(), words(text)
    if re.fullmatch(BOOKING_ID, typed):
        return f"WorkflowId IN ('{typed}', '{typed}{CANCEL_SUFFIX}')"
    if not found:
        return NOTHING
    each = [has_word(word, key) for word in dict.fromkeys(found[:MOST_WORDS])]
    ways = [f"({' AND '.join(each)})"]
    beginning = "-".join(found)
    if beginning.isascii():
        ways.append(f"{TRAVELLER.name} STARTS_WITH '{beginning}'")
    if re.fullmatch(BEGINNING, typed):
        ways.append(f"WorkflowId STARTS_WITH 'trip-{typed.removeprefix('trip-')}'")
    return f"({' OR '.join(ways)})"


def has_word(word: str, key: bytes) -> str:
    """The visibility query for one word."""
    clear = f"{SEARCH_WORDS.name} = '{word}'"
    return f"({clear} OR {SEARCH_WORDS.name} = '{keyed_hash(key, word)}')" if key else clear
