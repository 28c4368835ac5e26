"""The short answer: the exact words within the evidence that answer, or none when unsure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sourcebook.index.encoding.tokens import Vectors, max_sim
from sourcebook.index.passages import Offsets, Span
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.answer_types import AnswerType, Expected, fitting
from sourcebook.service.language.words import roots

# So many word pieces away from words that may answer, a word's weight for it has fallen to a third.
REACH = 12
# What the surroundings of such words must reach, and by how much the best lead, chosen on the dev
# questions (docs/decisions/0011-short-answers.md).
SURE = {
    AnswerType.NUMBER: 0.4,
    AnswerType.DATE: 0.4,
    AnswerType.NAME: 0.38,
    AnswerType.PLACE: 0.5,
}
LEAD = {
    AnswerType.NUMBER: 0.04,
    AnswerType.DATE: 0.04,
    AnswerType.NAME: 0.08,  # names abound
    AnswerType.PLACE: 0.1,
}
# How alike what is counted must be in question and answer, and what that is worth.
ALIKE, COUNTED = 0.5, 0.2
# What it is worth for a name that the words around it make it the one who acts or speaks, or for a
# place that they set something there.
ROLE = 0.1

_SPOKE = r"said|says|wrote|writes|warned|argued|argues|noted|added|explained|stated|dijo|afirmó"
_ACTS_BEFORE = re.compile(
    rf"(?:^|[.;:”\"—]|\b(?:by|por|according to|según|{_SPOKE}))[\s“]*"
    r"(?:(?:the|former|ex-\w+|el|la|un|a|an) ){0,2}\Z",
    re.IGNORECASE,
)
_ACTS_BEHIND = re.compile(
    rf"(?:,[^,.;]+,)? (?:\w+ )?(?:{_SPOKE}|told|tells|called|calls|claimed|described|announced)\b",
    re.IGNORECASE,
)
_LIES_BEFORE = re.compile(
    r"\b(?:in|at|near|from|to|into|across|around|en|desde|hacia) (?:the |la |el )?\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """Words at `[start, end)` of the cited article's text; `citation` is the citation's number."""

    text: str
    start: int
    end: int
    citation: int

    def stands_in(self, citation: Citation | None) -> bool:
        """Whether the citation quotes these words where they are said to stand."""
        if citation is None or not citation.start <= self.start < self.end <= citation.end:
            return False
        first = self.start - citation.start
        return citation.exact[first : first + self.end - self.start] == self.text


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as its answers are scored against: what it wants, and its word pieces.

    `weights` (question tokens,) are those that the hits were ranked with; `counted` are the numbers
    of the pieces that say what is counted, `subject` the roots of its words.
    """

    wanted: Expected
    weights: Vectors
    counted: tuple[int, ...]
    subject: frozenset[str]

    @classmethod
    def of(cls, wanted: Expected, pieces: Offsets, weights: Vectors) -> "Asked":
        """The question whose word pieces have these spans."""
        first, last = wanted.counted or (0, 0)
        counted = (n for n, (start, end) in enumerate(pieces) if start < last and first < end)
        return cls(wanted, weights, tuple(counted), roots(" ".join(wanted.known)))


@dataclass(frozen=True, slots=True)
class Scored:
    """Words at `[start, end)` of an article's text, with how close the question is to them."""

    score: float
    start: int
    end: int


def short_answer(asked: Asked, cited: Sequence[tuple[Hit, Citation]]) -> ShortAnswer | None:
    """The words of the wanted type, in the cited evidence, that the question is closest to.

    None when there are no such words in the first evidence that has any of the type, when they are
    not close enough, or when others are as close.
    """
    for hit, citation in cited:
        found = [
            each
            for sentence in hit.passage.sentences
            if citation.start <= sentence.start and sentence.end <= citation.end
            for each in scored(asked, hit, sentence)
        ]
        if not found:
            continue
        best, *others = sorted(found, key=lambda each: -each.score)
        lead = best.score - max((other.score for other in others), default=0.0)
        if best.score < SURE[asked.wanted.type] or lead < LEAD[asked.wanted.type]:
            return None
        text = citation.exact[best.start - citation.start : best.end - citation.start]
        return ShortAnswer(text, best.start, best.end, citation.number)
    return None


def scored(asked: Asked, hit: Hit, sentence: Span) -> Iterator[Scored]:
    """The words of the wanted type in a sentence of the hit's passage, each with its score.

    A sentence that has no word in common with the question has none.
    """
    text = hit.passage.text_of(sentence)
    found = fitting(text, asked.wanted)
    if not found or not asked.subject & roots(text):
        return
    tokens = hit.tokens_in(sentence)
    starts, similarity = hit.starts[tokens], hit.similarity[:, tokens]
    for words in found:
        begin, end = sentence.start + words.start, sentence.start + words.end
        near, far = np.searchsorted(starts, (begin, end))
        score = _proximity(similarity, int(near), int(far), asked.weights)
        score += _role(text, words, asked.wanted)
        if asked.counted:
            alike = similarity[list(asked.counted), near : max(far, near + 1)].max(initial=0.0)
            score = score + COUNTED * float(alike) if alike >= ALIKE else 0.0
        yield Scored(score, begin, end)


def _proximity(similarity: Vectors, first: int, last: int, weights: Vectors) -> float:
    """MaxSim of a sentence whose tokens count the less, the farther from `[first, last)`."""
    tokens = np.arange(similarity.shape[1])
    distance = np.maximum(0, np.maximum(first - tokens, tokens - last + 1))
    decay = np.exp(-distance / REACH).astype(np.float32)
    return max_sim(similarity * decay, weights)


def _role(text: str, words: Span, wanted: Expected) -> float:
    """What the words right before and behind a name say for it, or against it."""
    if wanted.type not in (AnswerType.NAME, AnswerType.PLACE):
        return 0.0
    lies = _LIES_BEFORE.search(text, 0, words.start) is not None
    if wanted.type is AnswerType.PLACE:
        return ROLE if lies else 0.0
    acts = _ACTS_BEFORE.search(text, 0, words.start) or _ACTS_BEHIND.match(text, words.end)
    before = text[: words.start]
    quoted = before.count("“") > before.count("”") or before.count('"') % 2 == 1
    if quoted:  # who is spoken of is not who speaks
        return -ROLE
    return (ROLE if acts else 0.0) - (ROLE if lies else 0.0)
