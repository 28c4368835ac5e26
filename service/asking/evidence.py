"""Finds the sentences of a passage that answer the question."""

from dataclasses import dataclass

import numpy as np

from sourcebook.index.encoding.tokens import Vectors, weighted
from sourcebook.index.profile import EvidenceThresholds
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.answer_types import Expected, fitting

MAX_SENTENCES = 3  # of one span; docs/decisions/0011-short-answers.md measures how many there are


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run of whole sentences: offsets into the article's text, and its own MaxSim."""

    start: int
    end: int
    score: float


def evidence(
    hit: Hit, weights: Vectors, wanted: Expected | None, thresholds: EvidenceThresholds
) -> Evidence:
    """The one to three sentences of the hit's passage that answer best.

    `weights` (question tokens,) are those that the passage was ranked with; `wanted` is the type
    of answer that the question asks for.
    """
    sentences, matches = hit.sentence_matches
    if not sentences:
        opening = hit.passage.sentences[0]
        return Evidence(opening.start, opening.end, 0.0)
    typed = np.array(
        [wanted is not None and bool(fitting(hit.passage.text_of(s), wanted)) for s in sentences]
    )
    choices = []
    runs, holding = matches, typed
    for more in range(min(MAX_SENTENCES, len(sentences))):
        if more:
            runs = np.maximum(runs[:, :-1], matches[:, more:])
            holding = holding[:-1] | typed[more:]
        scores = weighted(runs, weights)
        worth = scores - thresholds.sentence_cost * more + thresholds.typed * holding
        first = int(worth.argmax())
        choices.append((float(worth[first]), -first, more, float(scores[first])))
    _, negative, more, score = max(choices, key=lambda choice: choice[:2])
    return Evidence(sentences[-negative].start, sentences[more - negative].end, score)
