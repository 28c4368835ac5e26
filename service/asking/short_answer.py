"""Picks the short answer: the exact words of the evidence that answer, or none when unsure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sourcebook.index.encoding.tokens import Vectors, max_sim
from sourcebook.index.passages import Span
from sourcebook.index.profile import ReadingProfile, ShortAnswerThresholds
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.answer_types import AnswerType, Expected, fitting
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either
from sourcebook.service.language.words import topic_words

# This many word pieces away from words that may answer, a token counts a third (1/e) of what it
# counts beside them: chosen on the dev questions (docs/decisions/0011-short-answers.md).
REACH = 12

# The share of what the reader found that a name must make up, to be what it found. Chosen on the
# dev questions (docs/decisions/0020-reading.md).
NAMED_SHARE = 0.5

_SPOKE = either(LEXICON.speech_verbs)
_ACTS_BEFORE = re.compile(
    rf"(?:^|[.;:”\"—]|\b(?:by|por|according to|según|{_SPOKE}))[\s“]*"
    r"(?:(?:the|former|ex-\w+|el|la|un|a|an) ){0,2}\Z",
    re.IGNORECASE,
)
_ACTS_BEHIND = re.compile(
    rf"(?:,[^,.;]+,)? (?:\w+ )?(?:{_SPOKE}|{either(LEXICON.speech_verbs_after)})\b",
    re.IGNORECASE,
)
_LIES_BEFORE = re.compile(
    r"\b(?:in|at|near|from|to|into|across|around|en|desde|hacia) (?:the |la |el )?\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """Words at `[start, end)` of the text of the article that citation number `citation` quotes."""

    text: str
    start: int
    end: int
    citation: int

    def stands_in(self, citation: Citation | None) -> bool:
        """Whether the citation quotes these words at these offsets."""
        if citation is None or not citation.start <= self.start < self.end <= citation.end:
            return False
        first = self.start - citation.start
        return citation.exact[first : first + self.end - self.start] == self.text


@dataclass(frozen=True, slots=True)
class Scored:
    """Words at `[start, end)` of an article's text, with how closely the question matches them."""

    score: float
    start: int
    end: int


def short_answer(
    query: Query,
    cited: Sequence[tuple[Hit, Citation]],
    weights: Vectors,
    thresholds: ShortAnswerThresholds,
) -> ShortAnswer | None:
    """The words of the wanted type, in the cited evidence, that the question matches best.

    `weights` (question tokens,) are those that the hits were ranked with. Only the first evidence
    with scored words of the type counts. None if there is none, if its best words score too low, or
    if others score about as high.
    """
    if query.wanted is None or query.wanted.type not in thresholds.sure:
        return None
    for hit, citation in cited:
        found = [
            each
            for sentence in hit.passage.sentences
            if citation.start <= sentence.start and sentence.end <= citation.end
            for each in scored(query, hit, sentence, weights, thresholds)
        ]
        if not found:
            continue
        best, *others = sorted(found, key=lambda each: -each.score)
        lead = best.score - max((other.score for other in others), default=0.0)
        wanted = query.wanted.type
        if best.score < thresholds.sure[wanted] or lead < thresholds.lead[wanted]:
            return None
        text = citation.exact[best.start - citation.start : best.end - citation.start]
        return ShortAnswer(text, best.start, best.end, citation.number)
    return None


def read_answer(
    query: Query, cited: Sequence[tuple[Hit, Citation]], profile: ReadingProfile
) -> ShortAnswer | None:
    """What the reader found in the first evidence, where it is probably right.

    The reader says where; of a question for a name, a place, a date or a number, the words of that
    type say how far. None where they are not in what the reader found.
    """
    for hit, citation in cited[:1]:
        found = read_words(query, hit)
        if found is None or read_probability(hit, profile) < profile.sure:
            return None
        if not citation.start <= found.start < found.end <= citation.end:
            return None
        text = citation.exact[found.start - citation.start : found.end - citation.start]
        return ShortAnswer(text, found.start, found.end, citation.number)
    return None


def read_words(query: Query, hit: Hit) -> Span | None:
    """The words of the wanted type that the reader's span shares most characters with.

    Offsets into the article's text. None for a question that no few words answer.
    """
    span, wanted = hit.read_span, query.wanted
    if span is None or wanted is None:
        return None
    candidates = [
        Span(sentence.start + words.start, sentence.start + words.end)
        for sentence in hit.passage.sentences
        if sentence.start < span.end and span.start < sentence.end
        for words in fitting(hit.passage.text_of(sentence), wanted)
    ]
    shared = [min(span.end, each.end) - max(span.start, each.start) for each in candidates]
    # Numbers and dates are what a span is about; a name may be there by the way.
    least = 0.0 if wanted.type in (AnswerType.NUMBER, AnswerType.DATE) else NAMED_SHARE
    if max(shared, default=0) <= least * (span.end - span.start):
        return None
    return candidates[shared.index(max(shared))]


def read_probability(hit: Hit, profile: ReadingProfile) -> float:
    """How probably the words that the reader found in a hit are the short answer."""
    if hit.reading is None:
        return 0.0
    return profile.short.probability({"logit": hit.reading.logit, "margin": hit.margin})


def scored(
    query: Query, hit: Hit, sentence: Span, weights: Vectors, thresholds: ShortAnswerThresholds
) -> Iterator[Scored]:
    """The words of the wanted type in a sentence of the hit's passage, each with its score.

    There are none in a sentence that shares no topic word with the question.
    """
    text, wanted = hit.passage.text_of(sentence), query.wanted
    found = fitting(text, wanted) if wanted else []
    if wanted is None or not found or not query.wanted_topic & topic_words(text):
        return
    tokens = hit.tokens_in(sentence)
    starts, similarity = hit.starts[tokens], hit.similarity[:, tokens]
    for words in found:
        begin, end = sentence.start + words.start, sentence.start + words.end
        first, last = (int(at) for at in np.searchsorted(starts, (begin, end)))
        score = _proximity(similarity, first, last, weights)
        score += thresholds.role * _role(text, words, wanted)
        if query.counted:
            about = similarity[list(query.counted), first : max(last, first + 1)]
            alike = float(about.max(initial=0.0))
            score = score + thresholds.counted * alike if alike >= thresholds.alike else 0.0
        yield Scored(score, begin, end)


def _proximity(similarity: Vectors, first: int, last: int, weights: Vectors) -> float:
    """MaxSim of a sentence whose tokens count less the farther they are from `[first, last)`."""
    tokens = np.arange(similarity.shape[1])
    distance = np.maximum(0, np.maximum(first - tokens, tokens - last + 1))
    decay = np.exp(-distance / REACH).astype(np.float32)
    return max_sim(similarity * decay, weights)


def _role(text: str, words: Span, wanted: Expected) -> int:
    """1 where the words right before and behind a name speak for it, -1 where against it."""
    if wanted.type not in (AnswerType.NAME, AnswerType.PLACE):
        return 0
    lies = _LIES_BEFORE.search(text, 0, words.start) is not None
    if wanted.type is AnswerType.PLACE:
        return int(lies)
    acts = _ACTS_BEFORE.search(text, 0, words.start) or _ACTS_BEHIND.match(text, words.end)
    before = text[: words.start]
    quoted = before.count("“") > before.count("”") or before.count('"') % 2 == 1
    if quoted:  # a name inside a quotation is spoken of, and does not speak
        return -1
    return int(acts is not None) - int(lies)
