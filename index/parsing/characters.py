"""Characters that nobody sees, and the one form of those that are seen."""

import re
import unicodedata

# Control characters, soft hyphens, zero-width characters, marks of direction, halves of characters.
# A joiner after a letter of a script that needs it, or in a row of emoji, has a meaning and stays.
STRAY = re.compile(
    "(?:[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060"
    "\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
    "|(?<![\u0590-\u1fff\u2100-\U0010ffff])[\u200c\u200d])+"
)
SOFT_HYPHEN = "\u00ad"


def as_seen(text: str) -> str:
    """The text without characters that nobody sees, and composed (NFC): `é` is one character."""
    return unicodedata.normalize("NFC", STRAY.sub("", text))


def is_as_seen(text: str) -> bool:
    """Whether `as_seen` would leave the text as it is."""
    return (text.isascii() and text.isprintable()) or _settled(text)


def _settled(text: str) -> bool:
    return not STRAY.search(text) and unicodedata.is_normalized("NFC", text)
