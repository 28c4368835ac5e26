"""The languages whose words are known: each alone, and all together, as the rules look them up."""

import re

from sourcebook.index.words import WORD
from sourcebook.service.language.english import ENGLISH
from sourcebook.service.language.spanish import SPANISH

_INITIALS = re.compile(r"\b(?:[^\W\d_]\.)+")

LANGUAGES = {"en": ENGLISH, "es": SPANISH}
LEXICON = ENGLISH | SPANISH


def language_of(text: str) -> str:
    """The language, as in `LANGUAGES`, that most function words of a text are of; else English."""
    # The "U" of "U.S." is no word, although Spanish has one.
    words = WORD.findall(_INITIALS.sub(" ", text.casefold()))
    counts = {
        name: sum(word in language.function_words for word in words)
        for name, language in LANGUAGES.items()
    }
    return max(counts, key=lambda name: counts[name])
