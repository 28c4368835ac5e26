"""Statements: the sentences of the best hits that match the question, and what they say."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from index.dates import Mention, mentions
from index.passages import Span
from index.tokens import Vectors
from service.cite import Citation
from service.figures import Figure, figures
from service.rank import Hit

# Only the best hits are read, and of them only the sentences that match the question nearly as
# well as the best one. Chosen on the dev questions (docs/decisions/0010-disagreement.md).
HITS = 8
RELEVANT = 0.75
STATEMENTS = 12
# Letters of a word that count: so "decertified" and "decertification" are one.
STEM = 6
ENDINGS = ("’s", "'s", "ing", "ed", "es", "s", "e")

TOKEN = re.compile(r"\w(?:[\w’'-]*\w)?")
LITTLE = frozenset(
    re.findall(
        r"\S+",
        """
        the and for was were are has have had that this with from its his her their they them what
        when where which who whom whose why how many much did does will would can could not but
        than then there been being about into over after before more most some such only also an a
        of in to by on at is it as or be el la los las un una unos unas del que por para con una su
        sus en de se al lo como más fue son ha han cuándo cuántos cuántas cuánto qué quién dónde
        first last next previous latest recent recently
        year date day month number percentage share time times año fecha
        years days months weeks decades centuries
        """,
    )
)

_THIS = re.compile(r"(?:This|That|It|These|Those|They) ")


@dataclass(frozen=True)
class Statement:
    """A sentence of a hit's passage, with how well it matches the question."""

    hit: Hit
    sentence: Span
    relevance: float

    @property
    def source(self) -> str:
        """The id of its article, or of the article that this one repeats."""
        return self.hit.article.copy_of or self.hit.article.id

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
    def subject(self) -> frozenset[str]:
        """What it is about: the stems of its words."""
        return stems(self.text)


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


def statements(hits: Sequence[Hit], weights: Vectors) -> list[Statement]:
    """The sentences that match the question nearly as well as the best one, best first."""
    found = []
    for hit in hits[:HITS]:
        held, matches = hit.sentence_matches()
        if not matches.size:
            continue
        scores = weights @ matches / weights.sum()
        sentences = hit.passage.sentences
        found += [Statement(hit, sentences[n], float(s)) for n, s in zip(held, scores, strict=True)]
    found.sort(key=lambda each: -each.relevance)
    return [each for each in found[:STATEMENTS] if each.relevance >= RELEVANT * found[0].relevance]


def with_next(statement: Statement) -> Statement:
    """The statement together with a next sentence that goes on about it ("This figure ...")."""
    passage, sentence = statement.hit.passage, statement.sentence
    for following in passage.sentences:
        if following.start > sentence.start:
            if not _THIS.match(passage.text_of(following)):
                break
            return replace(statement, sentence=Span(sentence.start, following.end))
    return statement


def stems(text: str) -> frozenset[str]:
    """The words that say what a text is about, without their usual endings."""
    words = (word.casefold() for word in TOKEN.findall(text))
    return frozenset(_stem(word) for word in words if len(word) > 2 and word not in LITTLE)


def _stem(word: str) -> str:
    """Its first letters without an ending: "decertified" and "decertification" are one word."""
    ending = next((e for e in ENDINGS if word.endswith(e) and len(word) >= len(e) + 3), "")
    return word.removesuffix(ending).replace("y", "i")[:STEM]


def shared(one: Statement, other: Statement) -> str:
    """The words that two sentences have in common, as the first has them."""
    words = (match[0] for match in TOKEN.finditer(one.text))
    both = (word for word in words if stems(word) & other.subject and not word.isdigit())
    return " ".join(dict.fromkeys(both))
