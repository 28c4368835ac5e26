"""Words of a text: where they are, spelling aside, whether they negate, and what it is about."""

import re
from collections.abc import Iterable
from functools import lru_cache
from unicodedata import combining, normalize

from sourcebook.index.words import WORD
from sourcebook.service.language.languages import LEXICON

# Two patterns beside WORD of the index, which splits "don't" and "cease-fire".
# Negations and names are compared as they are written, with what an apostrophe joins to them.
WITH_APOSTROPHES = re.compile(rf"{WORD.pattern}(?:['’]{WORD.pattern})*")
# A compound is one topic of a text, not two.
COMPOUND = re.compile(r"\w(?:[\w’'-]*\w)?")

# So many letters of a topic word count, its ending gone: chosen with the disagreements of
# docs/decisions/0010-disagreement.md.
TOPIC_LETTERS = 6
ENDINGS = ("’s", "'s", "ing", "ed", "es", "s", "e")


def folded(text: str) -> str:
    """`text` without the difference of case and accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()


def negated(words: Iterable[str]) -> bool:
    """Whether one of these folded words negates."""
    return any(word in LEXICON.negations or word.endswith(("n't", "n’t")) for word in words)


def topic_words(text: str) -> frozenset[str]:
    """The words that say what a text is about, each without its ending.

    Coarser than the stems of the index: "decertified" and "decertification" are one.
    """
    words = (word.casefold() for word in COMPOUND.findall(text))
    return frozenset(
        _topic_word(word) for word in words if len(word) > 2 and word not in LEXICON.no_topic
    )


@lru_cache(maxsize=65_536)
def _topic_word(word: str) -> str:
    ending = next((e for e in ENDINGS if word.endswith(e) and len(word) >= len(e) + 3), "")
    return word.removesuffix(ending).replace("y", "i")[:TOPIC_LETTERS]
