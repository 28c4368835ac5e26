"""The query: everything that the stages need to know of a question, worked out once."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from sourcebook.index.errors import InputError
from sourcebook.index.passages import Offsets
from sourcebook.index.search.lexical import stem
from sourcebook.index.words import WORD
from sourcebook.service.language.answer_types import Expected, expected
from sourcebook.service.language.languages import LEXICON, language_of
from sourcebook.service.language.question_dates import period
from sourcebook.service.language.quotations import quoted
from sourcebook.service.language.words import WITH_APOSTROPHES, folded, negated, topic_words

MAX_QUESTION = 2_000  # characters

_DIGITS = re.compile(r"\d+")
_POSSESSIVE = re.compile(r"['’]s$")
_OR = re.compile(
    r"(?<![\w’'-])(?P<left>[\w’'-]+)(?: of)?,? (?:or|o|u) (?P<right>[\w’' -]+)", re.IGNORECASE
)

# A name in a question may be misspelt by a letter or two: by so many at most, and so few of all.
MOST_LETTERS, SAME_NAME = 2, 0.9
RATIO = Indel.normalized_similarity

Key = Callable[[str], list[str]]  # the words of a name that count


class Vocabulary(Protocol):
    """What planning asks of a library."""

    def names(self) -> tuple[list[str], list[str]]:
        """The publishers and the authors that it holds."""

    def pieces(self, text: str) -> Offsets:
        """The span of each word piece that its encoder cuts `text` into."""

    def word_rarity(self, text: str) -> dict[str, float]:
        """How rare each stemmed word of `text` is in it, in [0, 1]; 1 for one that it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentWord:
    """A word of the question that is no stop word.

    `[start, end)` is where it stands, `stem` what the lexical index calls it, `pieces` the
    positions of its word pieces; `rarity` lies in [0, 1]. `named` when it is written as a name or
    a number.
    """

    text: str
    start: int
    end: int
    stem: str
    rarity: float
    pieces: tuple[int, ...]
    named: bool

    @property
    def numeric(self) -> bool:
        """Whether it holds a digit."""
        return bool(_DIGITS.search(self.text))


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of two things that the question offers for choice, and the positions of its pieces."""

    text: str
    pieces: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a question asks for, and how it is compared with passages.

    `language` is that of its words; `phrases` stood in quotation marks. `publishers` and `authors`
    are names that the library holds and the question mentions; they and the dates raise matching
    articles, and never hide others: only the caller's filter does. `pieces` are the spans of its
    word pieces, `words` its content words, `wanted` the type of words that answer it, if a few
    words can.
    """

    text: str
    language: str = "en"
    phrases: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published_from: str | None = None
    published_to: str | None = None
    pieces: Sequence[tuple[int, int]] = ()
    words: tuple[ContentWord, ...] = ()
    wanted: Expected | None = None

    @cached_property
    def topic(self) -> frozenset[str]:
        """What it is about: its topic words."""
        return topic_words(self.text)

    @cached_property
    def wanted_topic(self) -> frozenset[str]:
        """The same of the words that the answer must not merely repeat."""
        return topic_words(" ".join(self.wanted.known)) if self.wanted else frozenset()

    @cached_property
    def counted(self) -> tuple[int, ...]:
        """The positions of the pieces that say what is counted."""
        start, end = (self.wanted and self.wanted.counted) or (0, 0)
        return self._positions(start, end)

    @cached_property
    def alternatives(self) -> tuple[tuple[Alternative, Alternative], ...]:
        """The pairs that it offers for choice: "pesos or dollars"."""
        pairs = []
        for match in _OR.finditer(self.text):
            left, right = (
                Alternative(self.text[start:end], self._positions(start, end))
                for start, end in (match.span("left"), _head(match))
            )
            if left.pieces and right.pieces:
                pairs.append((left, right))
        return tuple(pairs)

    @cached_property
    def folded(self) -> list[str]:
        """All its words, without the difference of case and accents."""
        return [folded(word) for word in WITH_APOSTROPHES.findall(self.text)]

    @cached_property
    def negated(self) -> bool:
        """Whether one of its words negates."""
        return negated(self.folded)

    def _positions(self, start: int, end: int) -> tuple[int, ...]:
        """The positions of the pieces that share a character with `[start, end)`."""
        return tuple(
            n for n, (first, last) in enumerate(self.pieces) if first < end and start < last
        )


def plan(question: str, vocabulary: Vocabulary) -> Query:
    """Work out all of it against what a library holds.

    Raises `InputError` for a question without a word or of more than 2,000 characters.
    """
    query = query_of(question)
    publishers, authors = vocabulary.names()
    words = WORD.findall(query.text.casefold())
    pieces = vocabulary.pieces(query.text)
    return replace(
        query,
        publishers=_mentioned(words, tuple(publishers), _publisher_key),
        authors=_mentioned(words, tuple(authors), _words),
        pieces=pieces,
        words=tuple(content_words(query.text, pieces, vocabulary.word_rarity(query.text))),
    )


def query_of(question: str) -> Query:
    """What can be told of a question without a library; raises as `plan` does."""
    text = " ".join(question.split())
    if not WORD.search(text.casefold()):
        raise InputError(
            f"The question is {question[:40]!r}; expected at least one word.",
            cure="Ask in a sentence or a few keywords.",
        )
    if len(text) > MAX_QUESTION:
        raise InputError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION:,} are read.",
            cure="Ask in a sentence or two; to check a long text, verify it instead.",
        )
    since, until = period(text)
    return Query(
        text=text,
        language=language_of(text),
        phrases=quoted(text),
        published_from=since,
        published_to=until,
        wanted=expected(text),
    )


def content_words(
    text: str, pieces: Sequence[tuple[int, int]], rarity: dict[str, float]
) -> list[ContentWord]:
    """The words of a question that are no stop words and have word pieces, in order."""
    matches = list(WITH_APOSTROPHES.finditer(text))
    starts = [start for start, _ in pieces]
    owners = np.searchsorted([m.end() for m in matches], starts, side="right")
    nexts = [*(match[0] for match in matches[1:]), ""]
    words = []
    for number, (match, following) in enumerate(zip(matches, nexts, strict=True)):
        stemmed = stem(match[0])
        own = tuple(np.flatnonzero(owners == number).tolist())
        if stemmed is not None and own:
            word = _POSSESSIVE.sub("", match[0])
            words.append(
                ContentWord(
                    text=word,
                    start=match.start(),
                    end=match.start() + len(word),
                    stem=stemmed,
                    rarity=rarity.get(stemmed, 0.0),
                    pieces=own,
                    named=_named(match[0], following, first=number == 0),
                )
            )
    return words


def _named(word: str, following: str, *, first: bool) -> bool:
    """Whether a word is written as a name or number; the first has a capital letter anyway."""
    if _DIGITS.search(word) or (len(word) > 1 and word.isupper()):
        return True
    return word[0].isupper() and (not first or following[:1].isupper())


def _head(match: re.Match[str]) -> tuple[int, int]:
    """The span of the second alternative's head: a name, or its first topic word."""
    words = list(re.finditer(r"[\w’'-]+", match["right"]))
    while len(words) > 1 and words[0][0].lower() in LEXICON.no_topic:
        words.pop(0)
    last = words[0]
    for word in words[1:]:
        if not (last[0][0].isupper() and word[0][0].isupper()):
            break
        last = word
    return match.start("right") + words[0].start(), match.start("right") + last.end()


def _publisher_key(name: str) -> list[str]:
    """The words that name a publisher; an address counts as its domain without the ending."""
    words = _words(re.sub(r"^www\.|\.\w{2,6}$", "", name.casefold()))
    return words[1:] if words[:1] == ["the"] and len(words) > 2 else words


def _words(name: str) -> list[str]:
    return WORD.findall(name.casefold())


@lru_cache(maxsize=4)
def _by_size(names: tuple[str, ...], key: Key) -> dict[int, tuple[list[str], list[str]]]:
    """Names and their words run together, by how many words they have.

    Kept, because all questions to a library ask for the same ones.
    """
    found: dict[int, tuple[list[str], list[str]]] = {}
    for name in names:
        if words := key(name):
            group = found.setdefault(len(words), ([], []))
            group[0].append(name)
            group[1].append("".join(words))
    return found


def _mentioned(words: Sequence[str], names: tuple[str, ...], key: Key) -> tuple[str, ...]:
    """The names that occur among the words, run together or apart, but for a letter or two."""
    found = set()
    for size, (group, wanted) in _by_size(names, key).items():
        windows = [
            "".join(words[start : start + width])
            for width in {1, size, size + 1}
            for start in range(len(words) - width + 1)
        ]
        alike = cdist(windows, wanted, scorer=RATIO, score_cutoff=SAME_NAME)
        lengths = np.subtract.outer([len(w) for w in windows], [len(w) for w in wanted])
        close = (alike >= SAME_NAME) & (abs(lengths) <= MOST_LETTERS)
        found |= {group[number] for number in np.flatnonzero(close.any(axis=0))}
    return tuple(name for name in names if name in found)
