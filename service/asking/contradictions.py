"""Contradictions: what independent articles say differently of what a question asks about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

from sourcebook.index.encoding.tokens import Vectors
from sourcebook.index.passages import Offsets
from sourcebook.service.asking.rank import Hit
from sourcebook.service.asking.short_answer import Asked, scored
from sourcebook.service.asking.statements import Said, Statement, shared, statements, with_next
from sourcebook.service.language.answer_types import AnswerType
from sourcebook.service.language.quantities import Figure, Kind, has_share
from sourcebook.service.language.words import HYPHENATED, LITTLE, roots

# All chosen on the dev questions (docs/decisions/0010-disagreement.md).
# What a value's surroundings must reach, and what share of the best, to be another answer.
LEAST = {AnswerType.DATE: 0.42, AnswerType.NUMBER: 0.3}
NEAR_BEST = 0.75
# How many words two sentences on one matter both take from the question at least, and what share
# of all that either of them takes: to be answers, or to choose between two that are offered.
FEWEST_SUBJECT = 2
SUBJECT, CHOICE_SUBJECT = 0.7, 0.66
# How close a sentence must be to one of the question's alternatives, and by how much closer than
# to the other.
CHOSEN, TAKES_SIDE = 0.5, 0.15
# What share of the shorter sentence's words two sentences of almost the same words have in common,
# and how many at least.
COMMON, FEWEST = 0.6, 5
# Shares that are multiples of it are too usual to be one figure for being equal.
ROUND = 5


class MatterKind(StrEnum):
    """What the sides differ in."""

    NUMBER = "number"
    DATE = "date"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What independent articles say of one matter, in the order of their rank."""

    matter: str
    kind: MatterKind
    sides: tuple[Said, ...]


def contradictions(
    question: str, pieces: Offsets, hits: Sequence[Hit], asked: Asked | None, weights: Vectors
) -> list[Contradiction]:
    """Where the best hits contradict each other on what the question asks, or on a side of it.

    `pieces` are the spans of the question's word pieces, `weights` (question tokens,) what they
    weighed. One article never contradicts itself, nor its copies.
    """
    read = statements(hits, weights)
    if len({each.original for each in read}) < 2:
        return []
    found: list[Contradiction] = []
    used: set[tuple[str, int]] = set()
    for each in (
        *_other_answers(question, read, asked),
        *_alternatives(question, pieces, read),
        *_same_figure(read),
        *_records(roots(question), read),
        *_same_sentence(read),
    ):
        places = {(side.statement.original, side.statement.sentence.start) for side in each.sides}
        if not places <= used:
            found.append(each)
            used |= places
    return found


def _other_answers(
    question: str, read: Sequence[Statement], asked: Asked | None
) -> Iterator[Contradiction]:
    """Dates or figures that each would answer the question, and differ."""
    if asked is None or asked.wanted.type not in LEAST:
        return
    found: list[tuple[float, Said]] = []
    subject = roots(question)
    for statement in read:
        if len(subject & statement.subject) < FEWEST_SUBJECT:
            continue
        start = statement.sentence.start
        found += [
            (each.score, Said(statement, each.start - start, each.end - start))
            for each in scored(asked, statement.hit, statement.sentence)
            if each.score >= LEAST[asked.wanted.type]
        ]
    if not found:
        return
    found.sort(key=lambda each: -each[0])
    top, best = found[0]
    said: dict[str, Said] = {}
    for score, each in found:
        if score >= NEAR_BEST * top and _on_one_matter(
            subject, best.statement, each.statement, SUBJECT
        ):
            said.setdefault(each.statement.original, each)
    dated = asked.wanted.type is AnswerType.DATE
    differ = _dates_differ if dated else _figures_differ
    sides = [one for one in said.values() if any(differ(one, other) for other in said.values())]
    if dated:  # who names both years belongs to both sides
        named = {iso for side in sides for iso in _isos(side)}
        sides = [one for one in said.values() if _isos(one) & named]
    if sides:
        yield Contradiction(question, MatterKind.DATE if dated else MatterKind.NUMBER, tuple(sides))


def _on_one_matter(subject: frozenset[str], one: Statement, other: Statement, share: float) -> bool:
    """Whether two sentences have most of what they take from the question in common."""
    ones, others = subject & one.subject, subject & other.subject
    return len(ones & others) >= max(FEWEST_SUBJECT, share * max(len(ones), len(others)))


def _isos(said: Said) -> set[str]:
    return {
        date.iso
        for date in said.statement.dates
        if said.start <= date.start and date.end <= said.end
    }


def _dates_differ(one: Said, other: Said) -> bool:
    """Whether no date of the one may be a date of the other; 2025 may be 2025-09.

    Decades and days without a year leave it open.
    """
    ones, others = _isos(one), _isos(other)
    if not ones or not others or any(iso[0] == "-" for iso in ones | others):
        return False
    return not any(a.startswith(b) or b.startswith(a) for a in ones for b in others)


def _figures_differ(one: Said, other: Said) -> bool:
    """Whether both figures measure the same, of the same years, and cannot be equal."""
    ones, others = _within(one), _within(other)
    if not ones or not others:
        return False
    years, other_years = one.statement.years, other.statement.years
    if ones[0].kind is not Kind.TIME and years != other_years and not years & other_years:
        return False
    return ones[0].kind is others[0].kind and not any(a.agrees(b) for a in ones for b in others)


def _within(said: Said) -> list[Figure]:
    return [
        figure
        for figure in said.statement.figures
        if said.start <= figure.start and figure.end <= said.end
    ]


_OR = re.compile(
    r"(?<![\w’'-])(?P<left>[\w’'-]+)(?: of)?,? (?:or|o|u) (?P<right>[\w’' -]+)", re.IGNORECASE
)


def _alternatives(
    question: str, pieces: Offsets, read: Sequence[Statement]
) -> Iterator[Contradiction]:
    """Two things that the question offers for choice, and articles that choose differently."""
    for match in _OR.finditer(question):
        spans = match.span("left"), _head(match)
        rows = [
            [n for n, (first, last) in enumerate(pieces) if first < end and start < last]
            for start, end in spans
        ]
        if not all(rows):
            continue
        offered = frozenset().union(*(roots(question[start:end]) for start, end in spans))
        subject = roots(question) - offered
        chosen: tuple[list[Said], list[Said]] = ([], [])
        for statement in read:
            support = [
                _support(statement, question[start:end], each)
                for (start, end), each in zip(spans, rows, strict=True)
            ]
            side = int(support[1][0] > support[0][0])
            best, said = support[side]
            if best >= CHOSEN and best - support[1 - side][0] >= TAKES_SIDE:
                chosen[side].append(said)
        for one, other in product(*chosen):
            if one.statement.original == other.statement.original:
                continue
            if _on_one_matter(subject, one.statement, other.statement, CHOICE_SUBJECT):
                dated = _isos(one) and _isos(other)
                kind = MatterKind.DATE if dated else MatterKind.CLAIM
                yield Contradiction(question, kind, (one, other))
                break


def _head(match: re.Match[str]) -> tuple[int, int]:
    """Where the head of the second alternative stands: a name, or the first word that counts."""
    words = list(re.finditer(r"[\w’'-]+", match["right"]))
    while len(words) > 1 and words[0][0].lower() in LITTLE:
        words.pop(0)
    last = words[0]
    for word in words[1:]:
        if not (last[0][0].isupper() and word[0][0].isupper()):
            break
        last = word
    return match.start("right") + words[0].start(), match.start("right") + last.end()


def _support(statement: Statement, offered: str, rows: list[int]) -> tuple[float, Said]:
    """How closely a sentence matches some words of the question, and with which word of its own.

    `rows` are the word pieces of these words. Numbers are alike to the model, so one that is not
    in the sentence is not matched at all.
    """
    hit, text = statement.hit, statement.text
    tokens = hit.tokens_in(statement.sentence)
    matched = hit.similarity[rows, tokens]
    at = int(hit.starts[tokens][matched.mean(axis=0).argmax()]) - statement.sentence.start
    start, end = max(
        (word.span() for word in HYPHENATED.finditer(text) if word.start() <= at),
        default=(at, at + 1),
    )
    said = Said(statement, start, end)
    if offered.isdigit():
        return float(offered == said.value), said
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
    """A figure that one article calls a record, and another only close to one."""
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
            for a, b in product(one.figures, other.figures)
        )
        asked = len(subject & one.subject & other.subject) >= FEWEST_SUBJECT
        if one.original != other.original and asked and any(same):
            sides = Said(one, *near.span()), Said(other, *full.span())
            yield Contradiction(shared(one, other), MatterKind.CLAIM, sides)


_OF = re.compile(
    r" (?:of|de|del) (?:(?:the|all|its|la|el|los|las|global|globally|total|world|\w+[’']s) )*"
    r"([^\W\d_][\w-]+(?: [^\W\d_][\w-]+)?)",
    re.IGNORECASE,
)


def _same_figure(read: Sequence[Statement]) -> Iterator[Contradiction]:
    """One share that two articles give of different things."""
    shares = [
        (statement, figure, match)
        for statement in read
        if has_share(statement.text)
        for figure in statement.figures
        if figure.kind is Kind.SHARE and figure.value % ROUND
        if (match := _OF.match(statement.text, figure.end))
    ]
    for (one, figure, of), (other, same, of_other) in combinations(shares, 2):
        if one.original == other.original or not figure.agrees(same):
            continue
        if not roots(of[1]) & roots(of_other[1]):
            yield Contradiction(
                one.text[figure.start : figure.end],
                MatterKind.CLAIM,
                (Said(one, figure.start, of.end()), Said(other, same.start, of_other.end())),
            )


def _same_sentence(read: Sequence[Statement]) -> Iterator[Contradiction]:
    """Sentences of almost the same words, with another figure or date."""
    for one, other in combinations(read, 2):
        if one.original == other.original:
            continue
        common = one.subject & other.subject
        if len(common) < max(FEWEST, COMMON * min(len(one.subject), len(other.subject))):
            continue
        matter = shared(one, other)
        if sides := _only_figures(one, other):
            if _figures_differ(*sides):
                yield Contradiction(matter, MatterKind.NUMBER, sides)
        elif len(one.dates) == len(other.dates) == 1:
            first, second = one.dates[0], other.dates[0]
            sides = Said(one, first.start, first.end), Said(other, second.start, second.end)
            if _dates_differ(*sides):
                yield Contradiction(matter, MatterKind.DATE, sides)


def _only_figures(one: Statement, other: Statement) -> tuple[Said, Said] | None:
    """The only figures of a kind that both have."""
    for kind in Kind:
        ones = [each for each in one.figures if each.kind is kind]
        others = [each for each in other.figures if each.kind is kind]
        if len(ones) == len(others) == 1 and roots(ones[0].noun) == roots(others[0].noun):
            first, second = ones[0], others[0]
            return Said(one, first.start, first.end), Said(other, second.start, second.end)
    return None
