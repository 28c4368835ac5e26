"""Misspelt names: those of a question that no passage holds, though one holds a name like it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple, Protocol

from rapidfuzz.distance import OSA

from sourcebook.index.search.lexical import LONG_WORD
from sourcebook.index.search.stemming import stem
from sourcebook.service.language.words import WITH_APOSTROPHES, folded

UNHELD = 0.999  # the rarity of a word that no passage holds is 1
SHORTEST = 4  # letters: in a shorter word each letter counts
MOST_TRIED = 4  # spellings of each word

_POSSESSIVE = re.compile(r"['’]s?$")


class HeldWords(Protocol):
    """What a library says of the words that it holds."""

    def words_like(self, word: str) -> list[str]:
        """Words of passages that differ from `word` by a letter or two, the nearest first."""

    def written_as_name(self, words: str) -> str | None:
        """How a passage writes these words where each has a capital; None where none does."""


class ReadAs(NamedTuple):
    """A name as it is `written` in the question at `[start, end)`, and as it was `read_as`."""

    written: str
    read_as: str
    start: int
    end: int


def misspelt(text: str, rarity: Mapping[str, float], held: HeldWords) -> list[ReadAs]:
    """The names in `text` that a passage writes otherwise, in order.

    `rarity` is how rare each stem is. A name of several words has to stand in a passage as a whole.
    A single word has to be long, and differ by one letter: so few letters also part Iran from Iraq.
    """
    found = []
    for run in _runs(text):
        unheld = [word for word in run if rarity.get(stem(word.written) or "", 0.0) >= UNHELD]
        near = {word: _near(word.written, held) for word in unheld}
        # "Describe Ana Ruis" begins with a word that is no name.
        names = [run[first:] for first in (0, 1) if len(run) > first + 1 and unheld]
        whole = ([near.get(word, [word.written]) for word in name] for name in names)
        read = [
            (name, as_) for name, c in zip(names, whole, strict=True) if (as_ := _first(c, held))
        ]
        if read:
            name, as_ = read[0]
            written = text[name[0].start : name[-1].end]
            found.append(ReadAs(written, as_, name[0].start, name[-1].end))
            continue
        for word in unheld:
            close = [each for each in near[word] if _one_letter(word.written, each)]
            if as_ := _first([close], held):
                found.append(word._replace(read_as=as_))
    return found


def _runs(text: str) -> Iterable[list[ReadAs]]:
    """The words with a capital that may be names; those with only spaces between them together."""
    run: list[ReadAs] = []
    for match in WITH_APOSTROPHES.finditer(text):
        word = _POSSESSIVE.sub("", match[0])
        if run and text[run[-1].end : match.start()].strip():
            yield run
            run = []
        if word and word[0].isupper() and not word.isupper() and word.isalpha() and stem(word):
            run.append(ReadAs(word, word, match.start(), match.start() + len(word)))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _near(word: str, held: HeldWords) -> list[str]:
    """The nearest spellings; another form of the same word ("Bolivian") is none."""
    own = folded(word)
    if len(own) < SHORTEST:
        return []
    near = [each for each in held.words_like(word) if not own.startswith(each)]
    return [each for each in near if not each.startswith(own)][:MOST_TRIED]


def _one_letter(word: str, other: str) -> bool:
    return len(word) >= LONG_WORD and OSA.distance(folded(word), other) == 1


def _first(choices: Sequence[Sequence[str]], held: HeldWords) -> str | None:
    """The first of the combinations that a passage holds, as it is written there."""
    tried = (held.written_as_name(" ".join(words)) for words in product(*choices))
    return next(filter(None, tried), None)
