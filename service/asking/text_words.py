"""The words of a text, and whether those of a question are among them."""

import re

from rapidfuzz.distance import Indel

from sourcebook.index.search.lexical import MOST_LETTERS
from sourcebook.index.search.stemming import stem
from sourcebook.service.asking.query import ContentWord
from sourcebook.service.language.words import WITH_APOSTROPHES, folded

# A name or a long word may be misspelt by a letter or two, but not at its beginning, where a
# prefix may turn it into its opposite.
SAME_WORD, LONG_WORD = 0.85, 5

_DIGITS = re.compile(r"\d+")
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")


class TextWords:
    """The words of a text, and whether those of a question are among them."""

    def __init__(self, text: str) -> None:
        # U.S. and US are one name.
        text = _INITIALS.sub(lambda initials: initials[0].replace(".", "") + " ", text)
        self.folded = [folded(word) for word in WITH_APOSTROPHES.findall(text)]
        self.stems = {stemmed for word in self.folded if (stemmed := stem(word))}
        self._digits = frozenset(_DIGITS.findall(text))

    def hold(self, word: ContentWord) -> bool:
        """Whether the word is there: in any inflection, a letter or two aside, or as a number."""
        if word.stem in self.stems:
            return True
        if word.numeric:
            return self._digits.issuperset(_DIGITS.findall(word.text))
        return len(word.text) >= LONG_WORD and self._nearly(folded(word.text))

    def _nearly(self, word: str) -> bool:
        return any(
            other[0] == word[0]
            and abs(len(other) - len(word)) <= MOST_LETTERS
            and Indel.normalized_similarity(other, word) >= SAME_WORD
            for other in self.folded
        )
