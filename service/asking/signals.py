"""Signals of all stages that tell an answer from a near miss, about the best hit."""

import math
from collections.abc import Iterable, Set
from dataclasses import dataclass, fields

import numpy as np

from sourcebook.index.encoding.tokens import Vectors, weighted
from sourcebook.service.asking.query import ContentWord, Query
from sourcebook.service.asking.rank import Hit, Ranking
from sourcebook.service.asking.spelling import UNHELD
from sourcebook.service.asking.text_words import TextWords
from sourcebook.service.language.answer_types import fitting
from sourcebook.service.language.opposites import opposed
from sourcebook.service.language.words import negated


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the best hit and its best sentence say about a question.

    `late`, `dense` and `sentence` are similarities: of the passage by MaxSim and by cosine, of its
    best sentence by MaxSim. `weakest` is how well the sentence matches the question's least
    matched word; `missing` the rarity of the rarest word that the sentence lacks, though the
    library holds it. The next are 1 or 0: the passage lacks a name of the question, the sentence
    lacks one of its numbers; the question is negated, and the sentence is not; the sentence says
    the opposite of a word that it lacks; it holds nothing of the kind that is asked for.
    `length` is the logarithm of how many words the question has.
    """

    late: float
    dense: float
    sentence: float
    weakest: float
    missing: float
    name_missing: float
    number_missing: float
    negated: float
    negation_unmatched: float
    opposite: float
    unfit: float
    length: float
    logit: float = 0.0
    best_logit: float = 0.0


NAMES = tuple(field.name for field in fields(Signals))


def signals(query: Query, ranking: Ranking) -> Signals:
    """The signals of a ranking that holds a hit."""
    best = ranking.hits[0]
    logits = [hit.reading.logit for hit in ranking.hits if hit.reading]
    sentence, matches, score = _best_sentence(best, ranking.weights)
    said = TextWords(sentence)
    around = _around(best)
    # "Before 2025" is said by "in 1997".
    lacking = [
        word
        for word in query.words
        if not said.hold(word) and not (word.numeric and query.dated(word.text, sentence))
    ]
    # "Did it rise or fall?" leaves open which of the two.
    unasked = said.stems - {word.stem for word in query.words}
    return Signals(
        late=best.late,
        dense=best.candidate.dense,
        sentence=score,
        weakest=min((_similarity(word, matches) for word in query.words), default=0.0),
        missing=max((word.rarity for word in lacking if word.rarity < UNHELD), default=0.0),
        name_missing=any(w.named and not w.numeric and not around.hold(w) for w in query.words),
        number_missing=any(word.numeric for word in lacking),
        negated=query.negated,
        negation_unmatched=query.negated and not negated(said.folded),
        opposite=any(opposed(word.stem, unasked) for word in lacking),
        unfit=query.wanted is not None
        and not fitting(sentence, query.wanted, best.article.metadata.language),
        length=math.log(max(1, len(query.folded))),
        logit=best.reading.logit if best.reading else 0.0,
        best_logit=max(logits, default=0.0),
    )


def missing_entities(query: Query, best: Hit, held: Set[str], unsaid: float) -> list[str]:
    """What the question names and nothing that was searched holds, as it is written there.

    `held` are the words that some passage does hold. Names and numbers come first, then other
    words, where the best passage matches them less than `unsaid`; neighbours are one name.
    """
    matches, around = best.similarity.max(axis=1), _around(best)
    missing = [word for word in query.words if word.text not in held and not around.hold(word)]
    named = [word for word in missing if word.named]
    others = [w for w in missing if not w.named and _similarity(w, matches) < unsaid]
    return [*_runs(query.matched, named), *(word.text for word in others)]


def lacked(words: Iterable[ContentWord], hit: Hit) -> frozenset[ContentWord]:
    """Those of a question's words that neither the passage nor its headings or title hold."""
    around = _around(hit)
    return frozenset(word for word in words if not around.hold(word))


def _runs(question: str, words: Iterable[ContentWord]) -> list[str]:
    """Words of the question, those that only white space parts run together."""
    runs: list[tuple[int, int]] = []
    for word in words:
        if runs and not question[runs[-1][1] : word.start].strip():
            runs[-1] = runs[-1][0], word.end
        else:
            runs.append((word.start, word.end))
    return [question[start:end] for start, end in runs]


def _best_sentence(hit: Hit, weights: Vectors) -> tuple[str, Vectors, float]:
    """The passage's sentence with the best MaxSim.

    Its text after the header or lead-in that it needs, how well it matches each word piece of the
    question (word pieces,), and the MaxSim.
    """
    sentences, matches = hit.sentence_matches
    if not sentences:
        return hit.passage.text, np.zeros(len(weights), np.float32), 0.0
    scores = weighted(matches, weights)
    best = int(scores.argmax())
    chosen = sentences[best]
    needs = (each.text for each in hit.passage.leading if each.leads(chosen.start, chosen.end))
    said = " ".join((*needs, hit.passage.text_of(chosen)))
    return said, matches[:, best], float(scores[best])


def _similarity(word: ContentWord, matches: Vectors) -> float:
    """How well a word's pieces are matched, of (word pieces,) of the whole question."""
    return float(matches[list(word.pieces)].mean())


def _around(hit: Hit) -> TextWords:
    """The words of a passage, of its headings and of its article's title."""
    passage = hit.passage
    return TextWords(" ".join([hit.article.metadata.title, *passage.above, passage.text]))
