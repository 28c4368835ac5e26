"""Words of a text: where they are, spelling aside, and whether they negate."""

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

from sourcebook.index.words import WORD
from sourcebook.service.language.languages import LEXICON

# A pattern beside WORD of the index, which splits "don't".
# Negations and names are compared as they are written, with what an apostrophe joins to them.
WITH_APOSTROPHES = re.compile(rf"{WORD.pattern}(?:['’]{WORD.pattern})*")


def folded(text: str) -> str:
    """`text` without the difference of case and accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()


def negated(words: Iterable[str]) -> bool:
    """Whether one of these folded words negates."""
    return any(word in LEXICON.negations or word.endswith(("n't", "n’t")) for word in words)
