"""Measures of rankings, of evidence and of silence; each pure, and one value per question.

Success@k asks whether any relevant document is among the first k; R@k (recall) is the share of the
relevant ones among them. Papers on question answering often call the former "Recall@k"; the names
here are those of TREC and ir_measures (MacAvaney, Macdonald and Ounis 2022).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sourcebook.eval.data.records import Qrels, Run, Span, Wanted
from sourcebook.eval.measures.definitions import parse_measure
from sourcebook.index.errors import InputError

PerQuestion: TypeAlias = dict[str, dict[str, float]]
"""Measure -> question id -> value."""


def measure_ranking(run: Run, qrels: Qrels, measures: Sequence[str]) -> PerQuestion:
    """Values of `measures` for every judged query, from their definitions.

    Names are those of ir_measures: nDCG@k, RR, RR@k, AP, AP@k, R@k, P@k, Success@k, Judged@k. nDCG
    discounts the grade itself by log2(rank + 1) (Järvelin and Kekäläinen 2002; trec_eval), so a
    grade of 2 weighs twice a 1. Judged@k divides by the length of a ranking shorter than k.

    Rules: the order of a ranking is the ranking, so there are no ties; a document that is ranked
    twice counts where it is first and the ranking closes up; a judged query without a ranking
    scores 0; a query without judgements is left out; a negative grade is a 0.

    Raises InputError for an unknown measure and for empty judgements.
    """
    if not any(qrels.values()):
        raise InputError("No judgements; expected at least one judged query.")
    judged = {
        query: {document: max(0, grade) for document, grade in grades.items()}
        for query, grades in qrels.items()
        if grades
    }
    rankings = {query: list(dict.fromkeys(run.get(query, ()))) for query in judged}
    return {
        name: {query: measure(rankings[query], judged[query]) for query in judged}
        for name, measure in {name: parse_measure(name) for name in measures}.items()
    }


def measure_passages(
    found: Sequence[Span], wanted: Wanted, cutoffs: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """`Hit@k` and `Complete@k` of ranked passages, best first, each 0 or 1.

    Hit: at least one gold quote lies wholly inside one of the first k passages. Complete: every
    needed quote does, each inside some one of them; where any quote suffices the two are equal.
    Passages that share a quote between them do not hold it: the reader would see half of it.
    """
    if any(k < 1 for k in cutoffs):
        raise InputError(f"The cutoffs are {list(cutoffs)}; expected whole numbers above 0.")
    ranks = [_first_rank(found, places) for places in wanted.evidence]
    complete = min(ranks) if wanted.any else max(ranks)
    hits = {f"Hit@{k}": float(min(ranks) <= k) for k in cutoffs}
    return hits | {f"Complete@{k}": float(complete <= k) for k in cutoffs}


def _first_rank(found: Sequence[Span], places: Sequence[Span]) -> float:
    """The rank, from 1, of the first passage that contains one of `places`, or infinity."""
    for rank, passage in enumerate(found, 1):
        if any(passage.contains(place) for place in places):
            return rank
    return np.inf


def measure_found(found: Sequence[Span], wanted: Wanted, k: int = 10) -> dict[str, float]:
    """`PassageRR@k` and `PassageR@k`: how early gold quotes stand whole in a ranked passage.

    RR is one over the rank of the first passage that holds a gold quote. R is the share of the
    needed quotes that some passage among the first k holds; where any suffices it is 0 or 1. A
    passage has no other grade: how many passages would be relevant depends on the chunker.
    """
    ranks = [_first_rank(found[:k], places) for places in wanted.evidence]
    held = [rank < np.inf for rank in ranks]
    return {
        f"PassageRR@{k}": float(1 / min(ranks)),
        f"PassageR@{k}": float(any(held)) if wanted.any else float(np.mean(held)),
    }


def measure_evidence(
    found: Sequence[Span], quotes: Sequence[Span], wanted: Wanted, k: int = 10
) -> dict[str, float]:
    """`EvidenceRecall@k`: whether the sentences that are shown hold the gold quote, 0 or 1.

    `quotes` are the best sentences of the passages `found`. Of the first k passages, the first one
    that holds a gold quote whole counts: its best sentences must hold one whole, too. It is 0
    where no passage does, so divided by `Hit@k` it is the share among the passages found.
    """
    for passage in found[:k]:
        gold = [place for place in wanted.places if passage.contains(place)]
        if gold:
            shown = [quote for quote in quotes if passage.contains(quote)]
            held = any(quote.contains(place) for quote in shown for place in gold)
            return {f"EvidenceRecall@{k}": float(held)}
    return {f"EvidenceRecall@{k}": 0.0}


def measure_overlap(found: Sequence[Span], wanted: Wanted) -> dict[str, float]:
    """`SpanRecall`, `SpanPrecision` and `SpanIoU` of found against wanted text, in characters.

    Both sides are unions: text that is found twice counts once. (Chroma's chunking evaluation, by
    Smith and Troynikov 2024, from which the measures come, counts the overlap of two chunks twice
    in the denominators of precision and IoU.) Of a piece of evidence with several places, the one
    that is covered best counts; where any piece suffices, the piece that is covered best. Text of
    any gold place counts as precise. A piece that could not be located has no length and adds
    nothing; with none located, and with nothing found, all three are 0.

    Pass both through `in_words` to count words instead of characters.
    """
    chosen = _merged(_best_covered(found, wanted))
    union, gold = _merged(found), _merged(wanted.places)
    covered, precise = _common(union, chosen), _common(union, gold)
    either = _length(union) + _length(chosen) - covered
    return {
        "SpanRecall": _share(covered, _length(chosen)),
        "SpanPrecision": _share(precise, _length(union)),
        "SpanIoU": _share(covered, either),
    }


class WordCounter:
    """Turns spans in characters into spans in words; each article is read once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Count in `texts`, article -> text."""
        self._texts = texts
        self._starts: dict[str, list[int]] = {}

    def count(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """The words, split at white space, that begin in each span; a span without any is left out.

        A span of an article that is not there is left out, too.
        """
        counted = []
        for span in spans:
            starts = self._word_starts(span.article)
            first, last = (bisect_left(starts, at) for at in (span.start, span.end))
            if first < last:
                counted.append(Span(span.article, first, last))
        return tuple(counted)

    def count_wanted(self, wanted: Wanted) -> Wanted:
        """The gold with each place counted in words."""
        return Wanted(tuple(self.count(places) for places in wanted.evidence), wanted.any)

    def _word_starts(self, article: str) -> list[int]:
        if article not in self._starts:
            self._starts[article] = _word_starts(self._texts.get(article, ""))
        return self._starts[article]


def in_words(spans: Iterable[Span], texts: Mapping[str, str]) -> tuple[Span, ...]:
    """The same spans counted in words: the words, split at white space, that begin in each span.

    `texts` maps articles to their texts. A span in which no word begins is left out.
    """
    return WordCounter(texts).count(spans)


def _word_starts(text: str) -> list[int]:
    blank = [True, *(character.isspace() for character in text)]
    return [at for at, (before, here) in enumerate(pairwise(blank)) if before and not here]


Intervals: TypeAlias = dict[str, list[tuple[int, int]]]


def _merged(spans: Iterable[Span]) -> Intervals:
    """The union of the spans: per article, disjoint intervals in order."""
    merged: Intervals = defaultdict(list)
    for span in sorted(spans, key=lambda each: (each.article, each.start)):
        intervals = merged[span.article]
        if intervals and span.start <= intervals[-1][1]:
            start, end = intervals.pop()
            intervals.append((start, max(end, span.end)))
        else:
            intervals.append((span.start, span.end))
    return merged


def _length(intervals: Intervals) -> int:
    return sum(end - start for each in intervals.values() for start, end in each)


def _common(one: Intervals, other: Intervals) -> int:
    """The size of the intersection; the lists are short, so every pair is looked at."""
    return sum(
        max(0, min(end, last) - max(start, first))
        for article in one.keys() & other.keys()
        for start, end in one[article]
        for first, last in other[article]
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _best_covered(found: Sequence[Span], wanted: Wanted) -> list[Span]:
    """The best covered place of each piece of evidence, or of one piece where any suffices."""
    union = _merged(found)

    def coverage(place: Span) -> float:
        return _share(_common(union, _merged([place])), place.end - place.start)

    best = [max(places, key=coverage) for places in wanted.evidence if places]
    return [max(best, key=coverage)] if wanted.any and best else best


def measure_citations(cited: Sequence[Span], wanted: Wanted) -> dict[str, float]:
    """`CitationPrecision` and `CitationRecall` against the gold quotes; no LLM judges.

    A citation is right if it overlaps a gold quote. Precision is the share of citations that are
    right, 0 where nothing is cited. Recall is the share of needed quotes that a citation overlaps;
    where any quote suffices it is 0 or 1. The names follow ALCE (Gao et al. 2023), which asks a
    language model instead.
    """
    right = [any(each.overlaps(place) for place in wanted.places) for each in cited]
    covered = [
        any(each.overlaps(place) for place in places for each in cited)
        for places in wanted.evidence
    ]
    return {
        "CitationPrecision": _share(sum(right), len(right)),
        "CitationRecall": float(any(covered)) if wanted.any else sum(covered) / len(covered),
    }


def inexact_quotes(
    quotes: Iterable[tuple[Span, str]], texts: Mapping[str, str]
) -> tuple[tuple[Span, str], ...]:
    """The quotes for which `text[start:end] == quote` fails; the promise is that there are none."""
    return tuple(
        (span, quote)
        for span, quote in quotes
        if texts.get(span.article, "")[span.start : span.end] != quote
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """What the system did with one question: how sure it was, whether it spoke, and the truth.

    `right`: the answer holds the evidence. An answer to an unanswerable question is never right.
    """

    confidence: float
    answered: bool
    answerable: bool
    right: bool

    def __post_init__(self) -> None:
        """Refuse a confidence that cannot be ordered, and a right answer to the unanswerable."""
        if not np.isfinite(self.confidence):
            raise InputError(f"The confidence is {self.confidence}; expected a finite number.")
        if self.right and not self.answerable:
            raise InputError("An unanswerable question has no right answer.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """How well a system knows when to be silent; shares are of 0 to 1, None where undefined.

    `auroc`: the chance that an answerable question gets more confidence than an unanswerable one.
    `aurc`: the area under the risk-coverage curve, less is better. `accuracy`: the share of
    questions that were rightly answered or rightly refused, whatever the answer says.
    `false_answers`: the share of unanswerable questions that were answered. `false_refusals`: the
    share of answerable questions that were not. `curve`: (coverage, risk) points.
    """

    answerable: int
    unanswerable: int
    auroc: float | None
    aurc: float
    accuracy: float
    false_answers: float | None
    false_refusals: float | None
    curve: tuple[tuple[float, float], ...]


def measure_abstention(decisions: Sequence[Decision]) -> Abstention:
    """Measure silence over questions, answerable or not. Raises InputError for none at all."""
    if not decisions:
        raise InputError("No decisions; expected at least one question.")
    answerable = [each for each in decisions if each.answerable]
    others = [each for each in decisions if not each.answerable]
    confidence = [each.confidence for each in decisions]
    right = [each.right for each in decisions]
    return Abstention(
        answerable=len(answerable),
        unanswerable=len(others),
        auroc=auroc(confidence, [each.answerable for each in decisions]),
        aurc=aurc(confidence, right),
        accuracy=float(np.mean([each.answered == each.answerable for each in decisions])),
        false_answers=_mean([each.answered for each in others]),
        false_refusals=_mean([not each.answered for each in answerable]),
        curve=risk_coverage(confidence, right),
    )


def _mean(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if values else None


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """The chance that a positive outscores a negative, ties half; None where a class is empty.

    Computed from ranks, as the statistic of Mann and Whitney (Hanley and McNeil 1982).
    """
    mask = np.asarray(positive, dtype=bool)
    n, m = int(mask.sum()), int((~mask).sum())
    if not n or not m:
        return None
    _, group, sizes = np.unique(
        np.asarray(scores, dtype=float), return_inverse=True, return_counts=True
    )
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]  # equal scores share their middle rank
    return float((ranks[mask].sum() - n * (n + 1) / 2) / (n * m))


def accuracy_at(threshold: float, scores: Sequence[float], answerable: Sequence[bool]) -> float:
    """The share of questions decided rightly if those at or above `threshold` were answered."""
    return float(np.mean((np.asarray(scores) >= threshold) == np.asarray(answerable, dtype=bool)))


def risk_coverage(
    confidence: Sequence[float], right: Sequence[bool]
) -> tuple[tuple[float, float], ...]:
    """(coverage, risk) if only the most confident were answered (El-Yaniv and Wiener 2010).

    Risk is the share of the answered that are wrong. Questions of equal confidence enter together,
    so there is one point per distinct confidence, in order of growing coverage.
    """
    order, wrong, last = _by_confidence(confidence, right)
    counts = np.arange(1, len(order) + 1)
    points = zip(counts[last] / len(order), np.cumsum(wrong)[last] / counts[last], strict=True)
    return tuple((float(coverage), float(risk)) for coverage, risk in points)


def aurc(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """The mean risk over the coverages 1/n, 2/n, ... 1 (Geifman, Uziel and El-Yaniv 2019).

    Within questions of equal confidence it is the expectation over their orders, so the value does
    not depend on the order of the input.
    """
    order, wrong, last = _by_confidence(confidence, right)
    ends = np.flatnonzero(last) + 1
    sizes = np.diff(ends, prepend=0)
    shared = np.add.reduceat(wrong, ends - sizes) / sizes
    errors = np.cumsum(np.repeat(shared, sizes))
    return float(np.mean(errors / np.arange(1, len(order) + 1)))


def _by_confidence(
    confidence: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Positions by falling confidence, their errors, and where each run of equals ends."""
    values = np.asarray(confidence, dtype=float)
    order = np.argsort(-values, kind="stable")
    wrong = 1.0 - np.asarray(right, dtype=float)[order]
    last = np.append(np.diff(values[order]) != 0, True)
    return order, wrong, last
