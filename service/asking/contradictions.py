"""Finds contradictions: where independent articles differ on what a question asks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.profile import DisagreementThresholds, Profile
from sourcebook.service.asking.query import Alternative, Query
from sourcebook.service.asking.rank import Ranking
from sourcebook.service.asking.short_answer import scored
from sourcebook.service.asking.statements import Said, Statement, shared, statements, with_next
from sourcebook.service.language.answer_types import AnswerType
from sourcebook.service.language.lexicon import Kind
from sourcebook.service.language.quantities import Quantity, has_share
from sourcebook.service.language.words import COMPOUND, topic_words

# All were chosen on the dev questions (docs/decisions/0010-disagreement.md).
# How many topic words of the question two sentences on one subject must share, and what share of
# those that either has: as two answers, or as choices between the question's alternatives.
FEWEST_SUBJECT = 2
SUBJECT, CHOICE_SUBJECT = 0.7, 0.66
# Two sentences have almost the same words if they share this part of the shorter one's topic words,
# and at least so many.
COMMON, FEWEST = 0.6, 5
# Multiples of it are such common shares that two of them need not be the same share.
ROUND = 5


class DifferenceKind(StrEnum):
    """What the sides differ in."""

    NUMBER = "number"
    DATE = "date"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What independent articles say of one `subject`, in the order of their rank."""

    subject: str
    kind: DifferenceKind
    sides: tuple[Said, ...]


def contradictions(query: Query, ranking: Ranking, profile: Profile) -> list[Contradiction]:
    """Where the best hits contradict each other on what the question asks, or on a detail of it.

    An article never contradicts itself or its copies.
    """
    read = statements(ranking.hits, ranking.weights, profile.disagreements.relevant)
    if len({each.original for each in read}) < 2:
        return []
    found: list[Contradiction] = []
    used: set[tuple[str, int]] = set()
    for each in (
        *_other_answers(query, read, ranking.weights, profile),
        *_alternatives(query, read, profile.disagreements),
        *_same_share(read),
        *_records(query.topic, read),
        *_same_sentence(read),
    ):
        places = {(side.statement.original, side.statement.sentence.start) for side in each.sides}
        if not places <= used:
            found.append(each)
            used |= places
    return found


def _other_answers(
    query: Query, read: Sequence[Statement], weights: Vectors, profile: Profile
) -> Iterator[Contradiction]:
    """Dates or quantities that would each answer the question, and differ."""
    thresholds = profile.disagreements
    if query.wanted is None or query.wanted.type not in thresholds.least:
        return
    found: list[tuple[float, Said]] = []
    subject, least = query.topic, thresholds.least[query.wanted.type]
    for statement in read:
        if len(subject & statement.subject) < FEWEST_SUBJECT:
            continue
        start = statement.sentence.start
        found += [
            (each.score, Said(statement, each.start - start, each.end - start))
            for each in scored(
                query, statement.hit, statement.sentence, weights, profile.short_answers
            )
            if each.score >= least
        ]
    if not found:
        return
    found.sort(key=lambda each: -each[0])
    top, best = found[0]
    said: dict[str, Said] = {}
    for score, each in found:
        if score >= thresholds.near_best * top and _on_one_subject(
            subject, best.statement, each.statement, SUBJECT
        ):
            said.setdefault(each.statement.original, each)
    dated = query.wanted.type is AnswerType.DATE
    differ = _dates_differ if dated else _quantities_differ
    sides = [one for one in said.values() if any(differ(one, other) for other in said.values())]
    if dated:  # a sentence that names both years belongs to both sides
        named = {iso for side in sides for iso in _isos(side)}
        sides = [one for one in said.values() if _isos(one) & named]
    if sides:
        yield Contradiction(
            query.text, DifferenceKind.DATE if dated else DifferenceKind.NUMBER, tuple(sides)
        )


def _on_one_subject(
    subject: frozenset[str], one: Statement, other: Statement, share: float
) -> bool:
    """Whether two sentences share most of the topic words that they take from the question."""
    ones, others = subject & one.subject, subject & other.subject
    return len(ones & others) >= max(FEWEST_SUBJECT, share * max(len(ones), len(others)))


def _isos(said: Said) -> set[str]:
    return {
        date.iso
        for date in said.statement.dates
        if said.start <= date.start and date.end <= said.end
    }


def _dates_differ(one: Said, other: Said) -> bool:
    """Whether no date of one may be a date of the other; 2025 may be 2025-09.

    Decades and days without a year could be any, so they never differ.
    """
    ones, others = _isos(one), _isos(other)
    if not ones or not others or any(iso[0] == "-" for iso in ones | others):
        return False
    return not any(a.startswith(b) or b.startswith(a) for a in ones for b in others)


def _quantities_differ(one: Said, other: Said) -> bool:
    """Whether both measure the same thing, in the same years, and cannot be equal."""
    ones, others = _within(one), _within(other)
    if not ones or not others:
        return False
    years, other_years = one.statement.years, other.statement.years
    if ones[0].kind is not Kind.TIME and years != other_years and not years & other_years:
        return False
    return ones[0].kind is others[0].kind and not any(a.agrees(b) for a in ones for b in others)


def _within(said: Said) -> list[Quantity]:
    return [
        each
        for each in said.statement.quantities
        if said.start <= each.start and each.end <= said.end
    ]


def _alternatives(
    query: Query, read: Sequence[Statement], thresholds: DisagreementThresholds
) -> Iterator[Contradiction]:
    """Two alternatives that the question offers, and articles that choose differently."""
    for pair in query.alternatives:
        subject = query.topic - frozenset().union(*(topic_words(each.text) for each in pair))
        chosen: tuple[list[Said], list[Said]] = ([], [])
        for statement in read:
            support = [_support(statement, each) for each in pair]
            side = int(support[1][0] > support[0][0])
            best, said = support[side]
            ahead = best - support[1 - side][0]
            if best >= thresholds.chosen and ahead >= thresholds.takes_side:
                chosen[side].append(said)
        for one, other in product(*chosen):
            if one.statement.original == other.statement.original:
                continue
            if _on_one_subject(subject, one.statement, other.statement, CHOICE_SUBJECT):
                dated = _isos(one) and _isos(other)
                kind = DifferenceKind.DATE if dated else DifferenceKind.CLAIM
                yield Contradiction(query.text, kind, (one, other))
                break


def _support(statement: Statement, offered: Alternative) -> tuple[float, Said]:
    """How closely a sentence matches the alternative `offered`, and its word that matches best.

    The model finds all numbers similar, so a number that the sentence does not contain scores 0.
    """
    hit, text = statement.hit, statement.text
    tokens = hit.tokens_in(statement.sentence)
    matched = hit.similarity[list(offered.pieces), tokens]
    at = int(hit.starts[tokens][matched.mean(axis=0).argmax()]) - statement.sentence.start
    start, end = max(
        (word.span() for word in COMPOUND.finditer(text) if word.start() <= at),
        default=(at, at + 1),
    )
    said = Said(statement, start, end)
    if offered.text.isdigit():
        return float(offered.text == said.value), said
    return float(matched.max(axis=1).mean()), said


# "near the all-time high" against "the highest since records began".
_HIGHEST = (
    r"records?|all[ -]time|historic(?:al)?|unprecedented|peak|(?:high|low|larg|great|bigg|small)est"
)
_ALMOST = re.compile(
    rf"\b(?:close to|near|nearly|almost|just (?:below|under|short of)|approaching)"
    rf" (?:an? |the |its )?(?:{_HIGHEST})(?: (?:high|low|level|peak))?\b",
    re.IGNORECASE,
)
_UTTERLY = re.compile(
    rf"\b(?:{_HIGHEST}|(?:never|not)(?: been)?(?: before)? seen)\b(?: ever\b| since [^,.;]+)?",
    re.IGNORECASE,
)


def _records(subject: frozenset[str], read: Sequence[Statement]) -> Iterator[Contradiction]:
    """A quantity that one article calls a record, and another only close to one."""
    whole = [with_next(statement) for statement in read]
    almost = [(each, match) for each in whole if (match := _ALMOST.search(each.text))]
    if not almost:
        return
    utterly = [
        (each, match)
        for each in whole
        if not _ALMOST.search(each.text) and (match := _UTTERLY.search(each.text))
    ]
    for (one, near), (other, full) in product(almost, utterly):
        same = (
            a.agrees(b) and a.kind is b.kind and a.noun == b.noun
            for a, b in product(one.quantities, other.quantities)
        )
        asked = len(subject & one.subject & other.subject) >= FEWEST_SUBJECT
        if one.original != other.original and asked and any(same):
            sides = Said(one, *near.span()), Said(other, *full.span())
            yield Contradiction(shared(one, other), DifferenceKind.CLAIM, sides)


_OF = re.compile(
    r" (?:of|de|del) (?:(?:the|all|its|la|el|los|las|global|globally|total|world|\w+[’']s) )*"
    r"([^\W\d_][\w-]+(?: [^\W\d_][\w-]+)?)",
    re.IGNORECASE,
)


def _same_share(read: Sequence[Statement]) -> Iterator[Contradiction]:
    """The same share, which two articles give of different things."""
    shares = [
        (statement, share, match)
        for statement in read
        if has_share(statement.text)
        for share in statement.quantities
        if share.kind is Kind.SHARE and share.value % ROUND
        if (match := _OF.match(statement.text, share.end))
    ]
    for (one, share, of), (other, same, of_other) in combinations(shares, 2):
        if one.original == other.original or not share.agrees(same):
            continue
        if not topic_words(of[1]) & topic_words(of_other[1]):
            yield Contradiction(
                one.text[share.start : share.end],
                DifferenceKind.CLAIM,
                (Said(one, share.start, of.end()), Said(other, same.start, of_other.end())),
            )


def _same_sentence(read: Sequence[Statement]) -> Iterator[Contradiction]:
    """Sentences of almost the same words, with different quantities or dates."""
    for one, other in combinations(read, 2):
        if one.original == other.original:
            continue
        common = one.subject & other.subject
        if len(common) < max(FEWEST, COMMON * min(len(one.subject), len(other.subject))):
            continue
        subject = shared(one, other)
        if sides := _only_quantities(one, other):
            if _quantities_differ(*sides):
                yield Contradiction(subject, DifferenceKind.NUMBER, sides)
        elif len(one.dates) == len(other.dates) == 1:
            first, second = one.dates[0], other.dates[0]
            sides = Said(one, first.start, first.end), Said(other, second.start, second.end)
            if _dates_differ(*sides):
                yield Contradiction(subject, DifferenceKind.DATE, sides)


def _only_quantities(one: Statement, other: Statement) -> tuple[Said, Said] | None:
    """The quantities of a kind of which each sentence has just one."""
    for kind in Kind:
        ones = [each for each in one.quantities if each.kind is kind]
        others = [each for each in other.quantities if each.kind is kind]
        if not len(ones) == len(others) == 1:
            continue
        first, second = ones[0], others[0]
        if topic_words(first.noun) == topic_words(second.noun):
            return Said(one, first.start, first.end), Said(other, second.start, second.end)
    return None
