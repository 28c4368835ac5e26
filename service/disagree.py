"""Disagreement: independent articles that say different things on one matter, side by side."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import combinations, product

import numpy as np

from index.dates import Mention, mentions
from index.passages import Offsets, Span
from index.tokens import Vectors
from service.answer_type import AnswerType
from service.cite import Citation
from service.figures import Figure, Kind, figures
from service.rank import Hit
from service.short import Asked, scored

# Only the best hits are read, and of them only the sentences that match the question nearly as
# well as the best one. Chosen on the dev questions (docs/decisions/0010-disagreement.md), as is
# all that follows.
HITS = 8
RELEVANT = 0.75
STATEMENTS = 12
# What a value's surroundings must reach, and what share of the best, to be another answer.
LEAST, NEAR_BEST = 0.3, 0.75
# What share of the shorter sentence's words two sentences on one matter have in common, and how
# many at least.
COMMON, FEWEST = 0.6, 5
# How many words two sentences on one matter both take from the question at least, and what share
# of all that either of them takes.
FEWEST_SUBJECT = 2
SUBJECT, CHOICE_SUBJECT = 0.7, 0.66
# How close a sentence must be to one of the question's alternatives, and by how much closer than
# to the other.
CHOSEN, TAKES_SIDE = 0.5, 0.15
# Shares that are multiples of it are too usual to be one figure for being equal.
ROUND = 5
STEM = 6  # letters: "decertified" and "decertification" are one word

_TOKEN = re.compile(r"[\w’'-]*\w")
_LITTLE = frozenset(
    re.findall(
        r"\S+",
        """
        the and for was were are has have had that this with from its his her their they them what
        when where which who whom whose why how many much did does will would can could not but
        than then there been being about into over after before more most some such only also an a
        of in to by on at is it as or be el la los las un una unos unas del que por para con una su
        sus en de se al lo como más fue son ha han cuándo cuántos cuántas cuánto qué quién dónde
        first last next previous latest recent recently
        year date day month number percentage share año fecha
        """,
    )
)


class MatterKind(StrEnum):
    """What the sides differ in."""

    NUMBER = "number"
    DATE = "date"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Side:
    """What one source says: `value` in its words, `text` the sentence, and its citation."""

    value: str
    text: str
    citation: int
    published: str | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What sources say differently of a matter, by date of publication; never resolved."""

    matter: str
    kind: MatterKind
    sides: tuple[Side, ...]

    def __post_init__(self) -> None:
        if len({side.value for side in self.sides}) < 2:
            raise ValueError("a disagreement has two sides at least, which say different things")


@dataclass(frozen=True)
class Statement:
    """A sentence of a hit's passage, with how well it matches the question."""

    hit: Hit
    sentence: Span
    relevance: float

    @property
    def article(self) -> str:
        """The id of its article."""
        return self.hit.article.id

    @cached_property
    def text(self) -> str:
        """Its words."""
        return self.hit.passage.text_of(self.sentence)

    @cached_property
    def dates(self) -> list[Mention]:
        """The dates that it mentions."""
        return mentions(self.text)

    @cached_property
    def years(self) -> frozenset[str]:
        """The years that it mentions, alone or within dates."""
        return frozenset(date.iso[:4] for date in self.dates if date.iso[0] != "-")

    @cached_property
    def figures(self) -> list[Figure]:
        """The figures in it."""
        return figures(self.text, self.dates)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The beginnings of its longer words: what it is about, but for endings."""
        return _stems(self.text)


@dataclass(frozen=True, slots=True)
class Said:
    """The words `[start, end)` of a statement's sentence that others contradict."""

    statement: Statement
    start: int
    end: int

    @property
    def value(self) -> str:
        """These words."""
        return self.statement.text[self.start : self.end]

    def among(self, citations: Iterable[Citation]) -> Citation | None:
        """The citation that quotes its sentence, if there is one."""
        sentence, passage = self.statement.sentence, self.statement.hit.passage
        for each in citations:
            inside = each.start <= sentence.start and sentence.end <= each.end
            if inside and each.article.id == passage.article_id:
                return each
        return None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What independent articles say of one matter, in the order of their rank."""

    matter: str
    kind: MatterKind
    sides: tuple[Said, ...]


def side_by_side(
    found: Iterable[Contradiction], citations: Sequence[Citation]
) -> tuple[Disagreement, ...]:
    """The contradictions with their citations; sides without one are left out.

    Sides without a date come last, for nobody can tell where they belong.
    """
    disagreements = []
    for each in found:
        cited = [(said, citation) for said in each.sides if (citation := said.among(citations))]
        sides = [
            Side(said.value, said.statement.text, at.number, at.article.metadata.published)
            for said, at in cited
        ]
        if len({side.value for side in sides}) > 1:
            sides.sort(key=lambda side: side.published or "9999")
            disagreements.append(Disagreement(each.matter, each.kind, tuple(sides)))
    return tuple(disagreements)


def contradictions(
    question: str, pieces: Offsets, hits: Sequence[Hit], asked: Asked | None, weights: Vectors
) -> list[Contradiction]:
    """Where the best hits contradict each other on what the question asks, or on a side of it.

    `pieces` are the spans of the question's word pieces, `weights` (question tokens,) what they
    weighed. One article never contradicts itself, nor its copies.
    """
    statements = _statements(hits, weights)
    if len({each.article for each in statements}) < 2:
        return []
    found: list[Contradiction] = []
    used: set[tuple[str, int]] = set()
    for each in (
        *_other_answers(question, statements, asked),
        *_alternatives(question, pieces, statements),
        *_same_figure(statements),
        *_records(_stems(question), statements),
        *_same_sentence(statements),
    ):
        places = {(side.statement.article, side.statement.sentence.start) for side in each.sides}
        if not places <= used:
            found.append(each)
            used |= places
    return found


def _statements(hits: Sequence[Hit], weights: Vectors) -> list[Statement]:
    """The sentences that match the question nearly as well as the best one, best first."""
    found = []
    for hit in hits[:HITS]:
        sentences = hit.passage.sentences
        starts = hit.candidate.token_starts.astype(np.int64) + hit.passage.start
        edges = np.searchsorted(starts, [sentence.start for sentence in sentences])
        held = [n for n, first in enumerate(edges) if first < [*edges[1:], len(starts)][n]]
        if not held:
            continue
        best = np.maximum.reduceat(hit.similarity, edges[held], axis=1)
        scores = weights @ best / weights.sum()
        found += [Statement(hit, sentences[n], float(s)) for n, s in zip(held, scores, strict=True)]
    found.sort(key=lambda each: -each.relevance)
    return [each for each in found[:STATEMENTS] if each.relevance >= RELEVANT * found[0].relevance]


def _other_answers(
    question: str, statements: Sequence[Statement], asked: Asked | None
) -> Iterator[Contradiction]:
    """Dates or figures that each would answer the question, and differ."""
    if asked is None or asked.wanted.type not in (AnswerType.DATE, AnswerType.NUMBER):
        return
    found: list[tuple[float, Said]] = []
    subject = _stems(question)
    for statement in statements:
        if len(subject & statement.stems) < FEWEST_SUBJECT:
            continue
        start = statement.sentence.start
        found += [
            (each.score, Said(statement, each.start - start, each.end - start))
            for each in scored(asked, statement.hit, statement.sentence)
        ]
    found.sort(key=lambda each: -each[0])
    if not found or found[0][0] < LEAST:
        return
    top, best = found[0]
    said: dict[str, Said] = {}
    for score, each in found:
        if score >= NEAR_BEST * top and _on_one_matter(
            subject, best.statement, each.statement, SUBJECT
        ):
            said.setdefault(each.statement.article, each)
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
    ones, others = subject & one.stems, subject & other.stems
    return len(ones & others) >= max(FEWEST_SUBJECT, share * max(len(ones), len(others)))


def _isos(said: Said) -> set[str]:
    return {
        date.iso
        for date in said.statement.dates
        if said.start <= date.start and date.end <= said.end
    }


def _dates_differ(one: Said, other: Said) -> bool:
    """Whether no date of the one may be a date of the other; 2025 may be 2025-09."""
    ones, others = _isos(one), _isos(other)
    if not ones or not others:  # decades
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


_OR = re.compile(r"(?P<left>[\w’'-]+)(?: of)?,? (?:or|o|u) (?P<right>[\w’' -]+)", re.IGNORECASE)


def _alternatives(
    question: str, pieces: Offsets, statements: Sequence[Statement]
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
        offered = frozenset().union(*(_stems(question[start:end]) for start, end in spans))
        subject = _stems(question) - offered
        chosen: tuple[list[Said], list[Said]] = ([], [])
        for statement in statements:
            support = [
                _support(statement, question[start:end], each)
                for (start, end), each in zip(spans, rows, strict=True)
            ]
            side = int(support[1][0] > support[0][0])
            best, said = support[side]
            if best >= CHOSEN and best - support[1 - side][0] >= TAKES_SIDE:
                chosen[side].append(said)
        for one, other in product(*chosen):
            if one.statement.article == other.statement.article:
                continue
            if _on_one_matter(subject, one.statement, other.statement, CHOICE_SUBJECT):
                dated = _isos(one) and _isos(other)
                kind = MatterKind.DATE if dated else MatterKind.CLAIM
                yield Contradiction(question, kind, (one, other))
                break


def _head(match: re.Match[str]) -> tuple[int, int]:
    """Where the head of the second alternative stands: a name, or the first word that counts."""
    words = list(re.finditer(r"[\w’'-]+", match["right"]))
    while len(words) > 1 and words[0][0].lower() in _LITTLE:
        words.pop(0)
    last = words[0]
    for word in words[1:]:
        if not (last[0][0].isupper() and word[0][0].isupper()):
            break
        last = word
    return match.start("right") + words[0].start(), match.start("right") + last.end()


def _support(statement: Statement, words: str, rows: list[int]) -> tuple[float, Said]:
    """How closely a sentence matches some words of the question, and with which word of its own.

    `rows` are the word pieces of these words. Numbers are alike to the model, so one that is not
    in the sentence is not matched at all.
    """
    hit, text = statement.hit, statement.text
    starts = hit.candidate.token_starts.astype(np.int64) + hit.passage.start
    first, last = np.searchsorted(starts, (statement.sentence.start, statement.sentence.end))
    matched = hit.similarity[rows, first:last]
    at = int(starts[first + matched.mean(axis=0).argmax()]) - statement.sentence.start
    start, end = max(
        (word.span() for word in _TOKEN.finditer(text) if word.start() <= at), default=(at, at + 1)
    )
    said = Said(statement, start, end)
    if words.isdigit():
        return float(words == said.value), said
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
    rf"\b(?:{_HIGHEST})\b|\b(?:never|not)(?: been)?(?: before)? seen\b", re.IGNORECASE
)
_THIS = re.compile(r"(?:This|That|It|These|Those|They) ")


def _records(subject: frozenset[str], statements: Sequence[Statement]) -> Iterator[Contradiction]:
    """A figure that one article calls a record, and another only close to one."""
    whole = [_with_next(statement) for statement in statements]
    almost = [(each, match) for each in whole if (match := _ALMOST.search(each.text))]
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
        asked = subject & one.stems & other.stems
        if one.article != other.article and asked and any(same):
            sides = Said(one, *near.span()), Said(other, *full.span())
            yield Contradiction(_shared(one, other), MatterKind.CLAIM, sides)


def _with_next(statement: Statement) -> Statement:
    """The statement together with a next sentence that goes on about it ("This figure ...")."""
    passage, sentence = statement.hit.passage, statement.sentence
    for following in passage.sentences:
        if following.start > sentence.start:
            if not _THIS.match(passage.text_of(following)):
                break
            return replace(statement, sentence=Span(sentence.start, following.end))
    return statement


_OF = re.compile(
    r" (?:of|de|del) ((?:(?:the|all|its|la|el|los|las|global|globally|total|world[’']s|world|"
    r"country[’']s|nation[’']s|mundial) )*)([^\W\d_][\w-]+(?: [^\W\d_][\w-]+)?)",
    re.IGNORECASE,
)


def _same_figure(statements: Sequence[Statement]) -> Iterator[Contradiction]:
    """One share that two articles give of different things."""
    shares = [
        (statement, figure, match)
        for statement in statements
        for figure in statement.figures
        if figure.kind is Kind.SHARE and (figure.low + figure.high) / 2 % ROUND
        if (match := _OF.match(statement.text, figure.end))
    ]
    for (one, figure, of), (other, same, of_other) in combinations(shares, 2):
        if one.article == other.article or not figure.agrees(same):
            continue
        if not _stems(of[2]) & _stems(of_other[2]):
            yield Contradiction(
                figure_text(one, figure),
                MatterKind.CLAIM,
                (Said(one, figure.start, of.end()), Said(other, same.start, of_other.end())),
            )


def figure_text(statement: Statement, figure: Figure) -> str:
    """The words of a figure."""
    return statement.text[figure.start : figure.end]


def _same_sentence(statements: Sequence[Statement]) -> Iterator[Contradiction]:
    """Sentences of almost the same words, with another figure or date."""
    for one, other in combinations(statements, 2):
        common = one.stems & other.stems
        least = max(FEWEST, COMMON * min(len(one.stems), len(other.stems)))
        if one.article == other.article or len(common) < least:
            continue
        matter = _shared(one, other)
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
        if len(ones) == len(others) == 1 and set(_stems(ones[0].noun)) == set(
            _stems(others[0].noun)
        ):
            return Said(one, ones[0].start, ones[0].end), Said(
                other, others[0].start, others[0].end
            )
    return None


def _shared(one: Statement, other: Statement) -> str:
    """The words that two sentences have in common, as the first has them."""
    words = (match[0] for match in _TOKEN.finditer(one.text))
    shared = (word for word in words if _stems(word) & other.stems and not word.isdigit())
    return " ".join(dict.fromkeys(shared))


def _stems(text: str) -> frozenset[str]:
    """The beginnings of the words that say what a text is about."""
    words = (word.casefold() for word in _TOKEN.findall(text))
    return frozenset(word[:STEM] for word in words if len(word) > 2 and word not in _LITTLE)
