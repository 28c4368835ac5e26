"""Versions: near copies of the article that answers best which answer otherwise, newest first."""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from sourcebook.index.dates import Mention, latest_day, mentions
from sourcebook.index.differences import (
    CHANGED,
    Difference,
    Kind,
    Names,
    Sentence,
    differences,
)
from sourcebook.index.passages import Passage, Placed, Span
from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import ArticleRecord, Filter
from sourcebook.service.asking.rank import COLLAPSED, Hit
from sourcebook.service.asking.statements import DifferenceKind, Statement
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either
from sourcebook.service.language.quantities import Quantity, quantities

Found = TypeVar("Found", Mention, Quantity)
_Value = Hashable

# So many versions are compared, the newest, and those that are among the best hits; so many are
# shown, the article itself among them: a toll that is reported every hour has more.
COMPARED, MOST_SIDES = 8, 4
# So many characters of a date in ISO 8601 are its year, and all of it.
YEAR, DAY = 4, 10
# How a line begins that says what was corrected.
_NOTICE = re.compile(rf"^\W*(?:{either(LEXICON.correcting)})\b.*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Versions:
    """What an article and its versions say, newest first, and what kind of fact they differ in.

    The first statement is that of the correction, or of the last version. `older` are the ids of
    all that are not known to say the same.
    """

    kind: DifferenceKind
    said: tuple[Statement, ...]
    older: frozenset[str]

    @property
    def sides(self) -> tuple[Statement, ...]:
        """What is shown: each value once, and four at most."""
        first: dict[_Value, Statement] = {}
        for each in self.said:
            first.setdefault(_value(each), each)
        return tuple(first.values())[:MOST_SIDES]


@dataclass(frozen=True, slots=True)
class _Part:
    """A sentence of an article, and where it stands."""

    said: Sentence
    passage: Passage
    span: Span


@dataclass(frozen=True)
class _Version:
    """An article with all its passages."""

    record: ArticleRecord
    passages: Sequence[Passage]

    @cached_property
    def parts(self) -> tuple[_Part, ...]:
        """Its sentences."""
        return tuple(
            _Part(Sentence(passage.text_of(span)), passage, span)
            for passage in self.passages
            for span in passage.sentences
        )

    @cached_property
    def words(self) -> frozenset[tuple[str, ...]]:
        """The words of each sentence."""
        return frozenset(each.said.words for each in self.parts)

    def lacking(self, other: "_Version") -> list[_Part]:
        """The sentences that another version has not."""
        return [each for each in self.parts if each.said.words not in other.words]

    @property
    def notices(self) -> str:
        """The lines that say what was corrected."""
        found = (line for each in self.passages for line in _NOTICE.findall(each.text))
        return "\n".join(found)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a version says in the place of a sentence: what it differs in, and by which words.

    `differing` is None where it says nothing that counts as otherwise.
    """

    version: _Version
    part: _Part
    differing: tuple[DifferenceKind, Span, Span] | None


def versions_of(
    hit: Hit,
    evidence: Span,
    ranked: Sequence[Hit],
    view: LibraryView,
    chosen: Filter | None,
) -> Versions | None:
    """What versions of the hit's article say otherwise in a sentence of its `evidence`.

    Only what answers is compared, where it was read. None where nothing differs.

    A version speaks by its `ranked` hit, if there is one with that passage, or else by one with the
    scores of the hit that it is like.
    """
    title, best = hit.article.metadata.title, {each.article.id for each in ranked[:COLLAPSED]}
    near = [
        each
        for each in view.versions(hit.article, chosen)
        if not _disjoint(title, each.metadata.title, DAY)  # of a series that is filled in anew
    ]
    near.sort(key=_day, reverse=True)
    compared = [each for n, each in enumerate(near) if n < COMPARED or each.id in best]
    mine = _Version(hit.article, _passages(hit.article, view))
    versions = [_Version(each, _passages(each, view)) for each in compared]
    for sentence in hit.passage.sentences:
        if not sentence.overlaps(evidence):
            continue
        told = [one for each in versions if (one := _told(hit, sentence, mine, each))]
        if differing := next((one.differing for one in told if one.differing), None):
            kind, words, _ = differing
            own = Statement(hit, sentence, words)
            said = [(mine, own)]
            for one in told:
                if theirs := _words_in(one, own, kind):
                    found = _hit_of(one, hit, ranked, view)
                    said.append((one.version, Statement(found, one.part.span, theirs)))
            ordered = _in_order(said)
            last = _value(ordered[0])
            known = {each.hit.article.id for each in ordered if _value(each) == last}
            older = {hit.article.id, *(each.id for each in near)} - known
            return Versions(kind, ordered, frozenset(older))
    return None


def _told(hit: Hit, sentence: Span, mine: _Version, version: _Version) -> _Told | None:
    """What a version says in the place of the hit's sentence; None if nothing.

    It is the sentence that is most like it, and that no other one of `mine` is more like: where a
    row was left out, the next row is another one, and no change.
    """
    said = Sentence(hit.passage.text_of(sentence))
    if same := next((each for each in version.parts if each.said.words == said.words), None):
        return _Told(version, same, None)
    left = version.lacking(mine)
    if not left:
        return None
    nearest = max(left, key=lambda each: _alike(said, each.said))
    likeness, common = alike = _alike(said, nearest.said)
    others = (_alike(each.said, nearest.said) for each in mine.lacking(version))
    if likeness < CHANGED or not common or any(other > alike for other in others):
        return None
    return _Told(version, nearest, _differing(hit, sentence, nearest, version.record))


def _alike(one: Sentence, other: Sentence) -> tuple[float, int]:
    """The likeness of two sentences, and how many words they share besides figures.

    Rows of a table may have nothing but figures in common.
    """
    return one.likeness(other), sum(word.isalpha() for word in {*one.words} & {*other.words})


def _differing(
    hit: Hit, sentence: Span, part: _Part, record: ArticleRecord
) -> tuple[DifferenceKind, Span, Span] | None:
    """The words that answer in a sentence, and those of a version's that stand for them."""
    mine, theirs = Sentence(hit.passage.text_of(sentence)), part.said
    languages = hit.article.metadata.language, record.metadata.language
    for each in differences(mine, theirs, Names((hit.passage.text, part.passage.text))):
        found = _values(mine.text, theirs.text, each, languages)
        if not found or not _answers(hit, sentence, found[1]):
            continue
        if found[0] is DifferenceKind.DATE or not _disjoint(mine.text, theirs.text, YEAR):
            return found
    return None


def _words_in(told: _Told, own: Statement, kind: DifferenceKind) -> Span | None:
    """The words of a version that stand for the value of `own`, or are the same."""
    if told.differing and told.differing[0] is kind and told.differing[1].overlaps(own.words):
        return told.differing[2]
    text, language = told.part.said.text, told.version.record.metadata.language
    named = re.finditer(rf"(?<!\w){re.escape(own.value)}(?!\w)", text, re.IGNORECASE)
    dates = mentions(text)
    placed: tuple[Placed, ...] = (*dates, *quantities(text, dates, language))
    places = [
        *(Span(*each.span()) for each in named),
        *(Span(each.start, each.end) for each in placed),
    ]
    value = _value(own)
    same = (each for each in places if _meant(text[each.start : each.end], language) == value)
    return next(same, None)


def _hit_of(told: _Told, hit: Hit, ranked: Sequence[Hit], view: LibraryView) -> Hit:
    """The hit with what a version says."""
    passage, article = told.part.passage, told.version.record
    found = next((each for each in ranked if each.passage.id == passage.id), None)
    if found:
        return found
    copies = view.copies([article.rowid]).get(article.rowid, ())
    return replace(hit, article=article, passage=passage, also=tuple(copies), reading=None)


def _values(
    one: str, other: str, found: Difference, languages: tuple[str, str]
) -> tuple[DifferenceKind, Span, Span] | None:
    """The whole date, quantity or name on either side of a difference; None if there is none."""
    dates = mentions(one), mentions(other)
    for mine in _touching(dates[0], found.one):
        for theirs in _touching(dates[1], found.other):
            return (DifferenceKind.DATE, *_spans(mine, theirs)) if mine.iso != theirs.iso else None
    # A number that looks like a year in one of both only ("1500", "1.500") is a number in both.
    for amount in _touching(quantities(one, (), languages[0]), found.one):
        for their_amount in _touching(quantities(other, (), languages[1]), found.other):
            if (amount.kind, amount.value) == (their_amount.kind, their_amount.value):
                return None  # in other words
            return DifferenceKind.NUMBER, *_spans(amount, their_amount)
    if found.kind is Kind.WORD:
        return None
    return DifferenceKind(found.kind.value), found.one, found.other


def _answers(hit: Hit, sentence: Span, value: Span) -> bool:
    """Whether a value of a sentence is in what the reader found, if it has read the hit."""
    read = hit.read_span
    if read is None or hit.margin <= 0:
        return True
    return read.overlaps(Span(sentence.start + value.start, sentence.start + value.end))


def _disjoint(one: str, other: str, precision: int) -> bool:
    """Whether both texts name dates, and none of the same to so many characters of ISO 8601."""
    mine, theirs = (
        {date.iso[:precision] for date in mentions(text) if date.iso[0] != "-"}
        for text in (one, other)
    )
    return bool(mine and theirs) and not mine & theirs


def _in_order(said: Sequence[tuple[_Version, Statement]]) -> tuple[Statement, ...]:
    """What each version says, that of the correction or of the last one first.

    A version whose notice names what another one says corrects it, whatever their dates are.
    """

    def recency(each: tuple[_Version, Statement]) -> tuple[str, bool]:
        version, own = each
        noticed, right = _words(version.notices), _words(own.value)
        corrected = [
            _day(other.record)
            for other, its in said
            if (wrong := _words(its.value) - right) and wrong <= noticed
        ]
        return max([_day(version.record), *corrected]), bool(noticed)

    return tuple(statement for _, statement in sorted(said, key=recency, reverse=True))


def _day(article: ArticleRecord) -> str:
    """The last day on which it may have changed, as `originals` ranks it; empty without a date."""
    known = article.metadata.published, article.metadata.modified
    return max((latest_day(day) for day in known if day), default="")


def _value(said: Statement) -> _Value:
    """What a statement is compared by."""
    return _meant(said.value, said.hit.article.metadata.language)


def _meant(words: str, language: str) -> _Value:
    """The dates or numbers of some words, or the words: the same for "about 44" and "44 people"."""
    dates = tuple(each.iso for each in mentions(words) if len(each.iso) > YEAR)
    numbers = tuple((each.kind, each.value) for each in quantities(words, (), language))
    return dates or numbers or words.casefold()


def _words(text: str) -> set[str]:
    return set(Sentence(text).words)


def _passages(article: ArticleRecord, view: LibraryView) -> list[Passage]:
    rows = view.passage_rowids(article.rowid)
    return [passage for _, passage in view.undamaged(view.passages(rows)).values()]


def _touching(found: Iterable[Found], span: Span) -> list[Found]:
    return [each for each in found if span.overlaps(each)]


def _spans(one: Mention | Quantity, other: Mention | Quantity) -> tuple[Span, Span]:
    return Span(one.start, one.end), Span(other.start, other.end)
