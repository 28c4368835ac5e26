"""Statements: the number or date that an article answers with, and whether two of them differ."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from sourcebook.index.dates import Mention, mentions
from sourcebook.index.passages import Span
from sourcebook.index.search.stemming import stem
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.mismatch import says_opposite
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.answer_types import FROM_TO, AnswerType, Expected, amounts, joined
from sourcebook.service.language.lexicon import Kind
from sourcebook.service.language.quantities import Quantity, quantities

Value = TypeVar("Value", Mention, Quantity)


class DifferenceKind(StrEnum):
    """What two statements differ in."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"  # only between versions of one article


@dataclass(frozen=True)
class Statement:
    """What an article answers: `words` of a sentence of the hit's passage.

    They hold `dates` or else `numbers`, of which there is at least one where it was read; all three
    have offsets into the sentence's text.
    """

    hit: Hit
    sentence: Span
    words: Span
    dates: tuple[Mention, ...] = ()
    numbers: tuple[Quantity, ...] = ()

    @property
    def kind(self) -> DifferenceKind:
        """What it may differ in from another one."""
        return DifferenceKind.DATE if self.dates else DifferenceKind.NUMBER

    @property
    def text(self) -> str:
        """Its sentence."""
        return self.hit.passage.text_of(self.sentence)

    @property
    def value(self) -> str:
        """The words that answer."""
        return self.text[self.words.start : self.words.end]

    @cached_property
    def years(self) -> frozenset[str]:
        """The years that the sentence names, or else the one in which it was published."""
        named = {date.iso[:4] for date in mentions(self.text) if date.iso[0] != "-"}
        published = self.hit.article.metadata.published
        return frozenset(named or ([published[:4]] if published else ()))

    @cached_property
    def all_dates(self) -> list[Mention]:
        """The dates of the whole passage."""
        return mentions(self.hit.passage.text)

    @cached_property
    def all_numbers(self) -> list[Quantity]:
        """The quantities of the whole passage."""
        text = self.hit.passage.text
        return quantities(text, self.all_dates, self.hit.article.metadata.language)

    def among(self, citations: Iterable[Citation]) -> Citation | None:
        """The citation that quotes its sentence, if there is one."""
        for each in citations:
            inside = each.start <= self.sentence.start and self.sentence.end <= each.end
            if inside and each.article.id == self.hit.passage.article_id:
                return each
        return None


def statement_of(query: Query, hit: Hit) -> Statement | None:
    """The number or date that the reader found in a hit, whole.

    None where the reader rather sees no answer, or the question asks for something else.
    """
    span = hit.read_span
    if hit.reading is None or span is None or hit.reading.logit <= 0 or hit.margin <= 0:
        return None
    if says_opposite(query, hit, span):
        return None
    sentence = next(each for each in hit.passage.sentences if each.overlaps(span))
    text = hit.passage.text_of(sentence)
    dates = mentions(text)
    numbers = quantities(text, dates, hit.article.metadata.language)
    asked = query.wanted or Expected(AnswerType.NUMBER, frozenset(Kind))
    touched = Span(span.start - sentence.start, span.end - sentence.start)
    if asked.type is AnswerType.NUMBER and (
        whole := _touching(amounts(text, numbers, asked.kinds), touched)
    ):
        measured = (each for each in numbers if each.kind in asked.kinds)
        return Statement(hit, sentence, whole, numbers=_inside(measured, whole))
    if (query.wanted is None or asked.type is AnswerType.DATE) and (
        whole := _touching(joined(text, [(d.start, d.end) for d in dates], FROM_TO), touched)
    ):
        return Statement(hit, sentence, whole, dates=_inside(dates, whole))
    return None


def differ(one: Statement, other: Statement) -> bool:
    """Whether two articles answer with values that exclude each other.

    They do not where either passage holds the other's value, too: it then reports both. Numbers
    are compared if they measure the same thing in the same years.
    """
    if one.kind is not other.kind:
        return False
    if one.kind is DifferenceKind.DATE:
        return not any(
            _may_be_one_day(a.iso, b.iso)
            for these, those in ((one.dates, other.all_dates), (one.all_dates, other.dates))
            for a in these
            for b in those
        )
    first, second = one.numbers[0].kind, other.numbers[0].kind
    undated = first is Kind.TIME or one.years == other.years
    if first is not second or not (undated or one.years & other.years):
        return False
    return not any(
        _may_be_one_number(a, b)
        for these, those in ((one.numbers, other.all_numbers), (one.all_numbers, other.numbers))
        for a in these
        for b in those
    )


def _touching(found: Iterable[Span], words: Span) -> Span | None:
    """The first that shares a character with the words."""
    return next((each for each in found if each.overlaps(words)), None)


def _inside(found: Iterable[Value], whole: Span) -> tuple[Value, ...]:
    return tuple(each for each in found if whole.start <= each.start and each.end <= whole.end)


def _may_be_one_day(one: str, other: str) -> bool:
    """Whether both ISO dates may be one: 2025 may be 2025-09, and --09-04 any 2025-09-04."""
    if "-" in (one[0], other[0]):
        one, other = (each[2:] if each[0] == "-" else each[5:] for each in (one, other))
    return one.startswith(other) or other.startswith(one)


def _may_be_one_number(one: Quantity, other: Quantity) -> bool:
    """Whether both may measure the same, and be equal."""
    if one.kind is not other.kind or not one.agrees(other):
        return False
    if one.kind is not Kind.COUNT or not one.noun or not other.noun:
        return True
    return stem(one.noun.split()[-1]) == stem(other.noun.split()[-1])
