"""Versions: near copies of the article that answers best which answer otherwise, newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sourcebook.index.dates import Mention, mentions
from sourcebook.index.differences import (
    CHANGED,
    Difference,
    Kind,
    Names,
    Sentence,
    differences,
)
from sourcebook.index.passages import Passage, Span
from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import ArticleRecord, Filter
from sourcebook.service.asking.rank import Hit
from sourcebook.service.asking.statements import DifferenceKind, Statement
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either
from sourcebook.service.language.quantities import Quantity, quantities

Found = TypeVar("Found", Mention, Quantity)

# So many versions are compared, and so many are shown, the article itself among them: a toll that
# is reported every hour has more.
COMPARED, MOST_SIDES = 8, 4
# So many characters of a date in ISO 8601 are its year, and all of it.
YEAR, DAY = 4, 10
# How a line begins that says what was corrected.
_NOTICE = re.compile(rf"^\W*(?:{either(LEXICON.correcting)})\b.*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Versions:
    """What the versions of an article say, and what kind of fact they differ in."""

    kind: DifferenceKind
    said: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """The words by which a sentence of a version differs, and where it stands."""

    kind: DifferenceKind
    mine: Span
    theirs: Span
    record: ArticleRecord
    passage: Passage
    sentence: Span


@dataclass(frozen=True, slots=True)
class _Version:
    """What a version says, and all its passages."""

    said: Statement
    passages: Sequence[Passage]

    @property
    def day(self) -> str:
        """When it was published or, if that is known, modified; empty without a date."""
        known = self.said.hit.article.metadata
        return max(known.published or "", known.modified or "")

    @property
    def notices(self) -> str:
        """The lines that say what was corrected."""
        found = (line for each in self.passages for line in _NOTICE.findall(each.text))
        return "\n".join(found)


def versions_of(
    hit: Hit,
    evidence: Span,
    ranked: Sequence[Hit],
    view: LibraryView,
    chosen: Filter | None,
) -> Versions | None:
    """What versions of the hit's article say otherwise in a sentence of its `evidence`.

    Only what answers is compared, where it was read. The first is the correction, or the last
    version; each value is said once, and four at most. None where nothing differs.

    A version speaks by its `ranked` hit, if there is one with that passage, or else by one with the
    scores of the hit that it is like.
    """
    near = view.versions(hit.article, chosen)[:COMPARED]
    found = [(record, _passages(record, view)) for record in near]
    for sentence in hit.passage.sentences:
        if not _overlap(sentence, evidence):
            continue
        told = [one for each in found if (one := _told(hit, sentence, *each))]
        if told:
            kind = told[0].kind
            mine = Statement(hit, sentence, told[0].mine)
            theirs = [_said(hit, one, ranked, view) for one in told if one.kind is kind]
            versions = [
                _Version(each, _passages(each.hit.article, view)) for each in (mine, *theirs)
            ]
            return Versions(kind, _in_order(versions))
    return None


def _said(hit: Hit, told: _Told, ranked: Sequence[Hit], view: LibraryView) -> Statement:
    """What a version says, by the hit with its passage."""
    found = next((each for each in ranked if each.passage.id == told.passage.id), None)
    if not found:
        copies = view.copies([told.record.rowid]).get(told.record.rowid, ())
        article, passage = told.record, told.passage
        found = replace(hit, article=article, passage=passage, also=tuple(copies), reading=None)
    return Statement(found, told.sentence, told.theirs)


def _told(
    hit: Hit, sentence: Span, record: ArticleRecord, passages: Sequence[Passage]
) -> _Told | None:
    """What the hit says in a sentence, and what a version says there that counts as otherwise."""
    mine = Sentence(hit.passage.text_of(sentence))
    theirs = [
        (Sentence(passage.text_of(span)), span, passage)
        for passage in passages
        for span in passage.sentences
    ]
    if not theirs or any(mine.words == each.words for each, _, _ in theirs):
        return None
    nearest, span, passage = max(theirs, key=lambda each: mine.likeness(each[0]))
    if mine.likeness(nearest) < CHANGED or _disjoint(
        hit.article.metadata.title, record.metadata.title, DAY
    ):
        return None  # of a series that is filled in anew
    names = Names((hit.passage.text, passage.text))
    for each in differences(mine, nearest, names):
        found = _values(mine.text, nearest.text, each)
        if not found or not _answers(hit, sentence, found[1]):
            continue
        if found[0] is DifferenceKind.DATE or not _disjoint(mine.text, nearest.text, YEAR):
            return _Told(*found, record, passage, span)
    return None


def _values(one: str, other: str, found: Difference) -> tuple[DifferenceKind, Span, Span] | None:
    """The whole date, quantity or name on either side of a difference; None if there is none."""
    dates = mentions(one), mentions(other)
    for mine in _touching(dates[0], found.one):
        for theirs in _touching(dates[1], found.other):
            return (DifferenceKind.DATE, *_spans(mine, theirs)) if mine.iso != theirs.iso else None
    for amount in _touching(quantities(one, dates[0]), found.one):
        for their_amount in _touching(quantities(other, dates[1]), found.other):
            if (amount.kind, amount.value) == (their_amount.kind, their_amount.value):
                return None  # in other words
            return DifferenceKind.NUMBER, *_spans(amount, their_amount)
    if found.kind is Kind.WORD:
        return None
    return DifferenceKind(found.kind.value), found.one, found.other


def _answers(hit: Hit, sentence: Span, value: Span) -> bool:
    """Whether a value of a sentence is in what the reader found there, if it has read the hit."""
    read = hit.read_span
    if read is None or hit.margin <= 0 or not _overlap(read, sentence):
        return True
    return _overlap(read, Span(sentence.start + value.start, sentence.start + value.end))


def _disjoint(one: str, other: str, precision: int) -> bool:
    """Whether both texts name dates, and none of the same to so many characters of ISO 8601."""
    mine, theirs = (
        {date.iso[:precision] for date in mentions(text) if date.iso[0] != "-"}
        for text in (one, other)
    )
    return bool(mine and theirs) and not mine & theirs


def _in_order(found: Sequence[_Version]) -> tuple[Statement, ...]:
    """What each version says, each value once, that of the correction or of the last one first.

    A version whose notice names what another one says corrects it, whatever their dates are.
    """

    def recency(version: _Version) -> tuple[str, bool]:
        noticed, own = _words(version.notices), _words(version.said.value)
        corrected = [
            other.day
            for other in found
            if (wrong := _words(other.said.value) - own) and wrong <= noticed
        ]
        return max([version.day, *corrected]), bool(noticed)

    said: dict[str, Statement] = {}
    for version in sorted(found, key=recency, reverse=True):
        said.setdefault(version.said.value.casefold(), version.said)
    return tuple(said.values())[:MOST_SIDES]


def _words(text: str) -> set[str]:
    return set(Sentence(text).words)


def _passages(article: ArticleRecord, view: LibraryView) -> list[Passage]:
    rows = view.passage_rowids(article.rowid)
    return [passage for _, passage in view.undamaged(view.passages(rows)).values()]


def _touching(found: Sequence[Found], span: Span) -> list[Found]:
    return [each for each in found if each.start < span.end and span.start < each.end]


def _spans(one: Mention | Quantity, other: Mention | Quantity) -> tuple[Span, Span]:
    return Span(one.start, one.end), Span(other.start, other.end)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
