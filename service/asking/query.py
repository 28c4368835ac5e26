"""The query: everything that the stages need to know of a question, worked out once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from sourcebook.index.errors import InputError
from sourcebook.index.passages import Offsets
from sourcebook.index.search.stemming import stem
from sourcebook.index.search.view import Names
from sourcebook.index.words import WORD
from sourcebook.service.asking.named_sources import Source, named_sources, unknown_source, without
from sourcebook.service.asking.spelling import HeldWords, ReadAs, misspelt
from sourcebook.service.language.answer_types import Expected, expected
from sourcebook.service.language.languages import language_of
from sourcebook.service.language.question_dates import Period, periods
from sourcebook.service.language.quotations import quoted
from sourcebook.service.language.words import WITH_APOSTROPHES, folded, negated

MAX_QUESTION = 2_000  # characters

_DIGITS = re.compile(r"\d+")
_POSSESSIVE = re.compile(r"['’]s$")


class Vocabulary(HeldWords, Protocol):
    """What planning asks of a library."""

    def names(self) -> Names:
        """The publishers and authors that it holds, and the hosts of its addresses."""

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


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a question asks for, and how it is compared with passages.

    `text` is what was asked, `matched` what passages are compared with: the same without the words
    that say whose articles are asked for and when these were published, and with misspelt names
    `read_as` the library writes them. Every other field is of `matched`, its positions too.

    `language` is that of its words; `phrases` stood in quotation marks. `sources` are those that it
    names, `periods` the dates. They raise matching articles and passages, and never hide others:
    only the caller's filter does. `pieces` are the spans of its word pieces, `words` its content
    words, `wanted` the type of words that answer it, if a few words can.
    """

    text: str
    matched: str = ""
    language: str = "en"
    phrases: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    periods: tuple[Period, ...] = ()
    read_as: tuple[ReadAs, ...] = ()
    pieces: Sequence[tuple[int, int]] = ()
    words: tuple[ContentWord, ...] = ()
    wanted: Expected | None = None

    def __post_init__(self) -> None:
        if not self.matched:
            object.__setattr__(self, "matched", self.text)

    @property
    def asked_sources(self) -> tuple[Source, ...]:
        """The sources that the question wants to hear, rather than only mentions."""
        return tuple(source for source in self.sources if source.asked)

    def dated(self, word: str, text: str) -> bool:
        """Whether a date of the period that the question gives with this word stands in a text."""
        return any(
            word in WORD.findall(self.text[each.start : each.end]) and each.mentioned_in(text)
            for each in self.periods
        )

    @cached_property
    def folded(self) -> list[str]:
        """All its words, without the difference of case and accents."""
        return [folded(word) for word in WITH_APOSTROPHES.findall(self.matched)]

    @cached_property
    def negated(self) -> bool:
        """Whether one of its words negates."""
        return negated(self.folded)


def plan(question: str, vocabulary: Vocabulary) -> Query:
    """Work out all of it against what a library holds.

    Raises `InputError` for a question without a word or of more than 2,000 characters.
    """
    query = query_of(question)
    text = query.text
    sources = named_sources(text, vocabulary.names())
    if (unknown := unknown_source(text)) and not _known(unknown, sources, vocabulary):
        sources.append(unknown)
    cuts = [(one.cut_start, one.cut_end) for one in sources if one.asked]
    cuts += [(one.start, one.end) for one in query.periods if one.published]
    matched = _matched(text, cuts)
    read_as = misspelt(matched, vocabulary.word_rarity(matched), vocabulary)
    for each in reversed(read_as):
        matched = matched[: each.start] + each.read_as + matched[each.end :]
    pieces = vocabulary.pieces(matched)
    return replace(
        query,
        matched=matched,
        sources=tuple(sources),
        read_as=tuple(read_as),
        pieces=pieces,
        words=tuple(content_words(matched, pieces, vocabulary.word_rarity(matched))),
        wanted=expected(matched),
    )


def _known(unknown: Source, sources: Sequence[Source], vocabulary: Vocabulary) -> bool:
    """Whether what seems an unknown publication is a source, or a name in some passage."""
    named = any(one.start < unknown.end and unknown.start < one.end for one in sources)
    return named or vocabulary.written_as_name(unknown.written) is not None


def _matched(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    """The text without what was cut, or all of it where no word with a meaning would be left."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(cuts):
        if spans and start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    left = without(text, spans) if spans else text
    return left if any(stem(word) for word in WORD.findall(left)) else text


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
    return Query(
        text=text,
        language=language_of(text),
        phrases=quoted(text),
        periods=tuple(periods(text)),
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
