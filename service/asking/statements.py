"""Statements: the sentences of the best hits that match the question, and what they contain."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sourcebook.index.dates import Mention, mentions
from sourcebook.index.encoding.tokens import Vectors, weighted
from sourcebook.index.passages import Span
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.quantities import Quantity, quantities
from sourcebook.service.language.words import COMPOUND, topic_words

# Only sentences of the best hits count, and only those that match the question almost as well as
# the best one. Chosen on the dev questions (docs/decisions/0010-disagreement.md).
HITS = 8
STATEMENTS = 12
_THIS = re.compile(r"(?:This|That|It|These|Those|They) ")


@dataclass(frozen=True)
class Statement:
    """A sentence of a hit's passage, with how well it matches the question."""

    hit: Hit
    sentence: Span
    relevance: float

    @property
    def original(self) -> str:
        """The id of its article, or of the article that this one repeats."""
        return self.hit.article.copy_of or self.hit.article.id

    @cached_property
    def text(self) -> str:
        """Its text."""
        return self.hit.passage.text_of(self.sentence)

    @cached_property
    def dates(self) -> list[Mention]:
        """The dates in it."""
        return mentions(self.text)

    @cached_property
    def years(self) -> frozenset[str]:
        """The years in it, alone or within dates."""
        return frozenset(date.iso[:4] for date in self.dates if date.iso[0] != "-")

    @cached_property
    def quantities(self) -> list[Quantity]:
        """The quantities in it."""
        return quantities(self.text, self.dates)

    @cached_property
    def subject(self) -> frozenset[str]:
        """Its topic words."""
        return topic_words(self.text)


@dataclass(frozen=True, slots=True)
class Said:
    """The words `[start, end)` of a statement's sentence that another statement contradicts."""

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


def statements(hits: Sequence[Hit], weights: Vectors, relevant: float) -> list[Statement]:
    """The sentences that match the question at least `relevant` times as well as the best one."""
    found = []
    for hit in hits[:HITS]:
        sentences, matches = hit.sentence_matches
        scored = zip(sentences, weighted(matches, weights).tolist(), strict=True)
        found += [Statement(hit, sentence, score) for sentence, score in scored]
    found.sort(key=lambda each: -each.relevance)
    return [each for each in found[:STATEMENTS] if each.relevance >= relevant * found[0].relevance]


def with_next(statement: Statement) -> Statement:
    """The statement, with the next sentence if that continues it ("This figure ...")."""
    passage, sentence = statement.hit.passage, statement.sentence
    for following in passage.sentences:
        if following.start > sentence.start:
            if not _THIS.match(passage.text_of(following)):
                break
            return replace(statement, sentence=Span(sentence.start, following.end))
    return statement


def shared(one: Statement, other: Statement) -> str:
    """The topic words that two sentences share, as the first writes them."""
    words = (match[0] for match in COMPOUND.finditer(one.text))
    both = (word for word in words if topic_words(word) & other.subject and not word.isdigit())
    return " ".join(dict.fromkeys(both))
