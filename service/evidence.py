"""Finds the sentences of a passage that answer the question."""

from dataclasses import dataclass

import numpy as np

from index.passages import Span
from index.tokens import Vectors, max_sim
from service.answer_type import Expected, fitting
from service.rank import Hit

MAX_SENTENCES = 3
# What a further sentence must add to the span's MaxSim to be worth reading, and what it is worth
# that a span holds words of the expected type; chosen on the dev questions
# (docs/decisions/0005-fusion.md, 0011-short-answers.md).
SENTENCE_COST = 0.03
TYPED = 0.05


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run of whole sentences: offsets into the article's text, and its own MaxSim."""

    start: int
    end: int
    score: float


def evidence(hit: Hit, weights: Vectors, wanted: Expected | None = None) -> Evidence:
    """The span of one to three sentences of the hit's passage that answers best.

    `weights` (question tokens,) are those that the passage was ranked with; `wanted` is the type
    of answer that the question asks for.
    """
    passage = hit.passage
    edges = np.searchsorted(hit.starts, [s.start for s in passage.sentences] + [passage.end])
    typed = [
        wanted is not None and bool(fitting(passage.text_of(sentence), wanted))
        for sentence in passage.sentences
    ]
    choices = []
    for first in range(len(passage.sentences)):
        for last in range(first, min(first + MAX_SENTENCES, len(passage.sentences))):
            matrix = hit.similarity[:, edges[first] : edges[last + 1]]
            score = max_sim(matrix, weights)
            span = Span(passage.sentences[first].start, passage.sentences[last].end)
            worth = score - SENTENCE_COST * (last - first) + TYPED * any(typed[first : last + 1])
            choices.append((worth, -first, span, score))
    _, _, span, score = max(choices, key=lambda choice: choice[:2])
    return Evidence(span.start, span.end, score)
