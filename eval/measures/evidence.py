"""Measures of passages, evidence and citations against gold quotes, one question at a time."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.index.errors import InputError


def measure_passages(
    found: Sequence[Span], wanted: Wanted, cutoffs: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """`Hit@k` and `Complete@k` of ranked passages, best first, each 0 or 1.

    Hit: at least one of the first k passages contains a whole gold quote. Complete: every needed
    quote is contained in one of them; if any quote is enough, the two are equal. A quote that is
    split between two passages does not count, because people would see only half of it.
    """
    if any(k < 1 for k in cutoffs):
        raise InputError(f"The cutoffs are {list(cutoffs)}; expected whole numbers above 0.")
    ranks = [_first_rank(found, places) for places in wanted.evidence]
    complete = min(ranks) if wanted.any else max(ranks)
    hits = {f"Hit@{k}": float(min(ranks) <= k) for k in cutoffs}
    return hits | {f"Complete@{k}": float(complete <= k) for k in cutoffs}


def _first_rank(found: Sequence[Span], places: Sequence[Span]) -> float:
    """The rank (from 1) of the first passage that contains one of `places`, or infinity."""
    for rank, passage in enumerate(found, 1):
        if any(passage.contains(place) for place in places):
            return rank
    return np.inf


def measure_found(found: Sequence[Span], wanted: Wanted, k: int = 10) -> dict[str, float]:
    """`PassageRR@k` and `PassageR@k`: how early a ranked passage contains a whole gold quote.

    RR is one over the rank of the first passage that contains a gold quote. R is the share of the
    needed quotes that the first k passages contain; if any quote is enough, it is 0 or 1. Passages
    have no grades, because the number of relevant passages depends on the chunker.
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
    """`EvidenceRecall@k`: whether the sentences that are shown contain the gold quote, 0 or 1.

    `quotes` are the best sentences of the passages `found`. The first of the first k passages that
    contains a whole gold quote counts: its best sentences must contain a whole one, too. The value
    is 0 if no passage does, so divided by `Hit@k` it is the share among the passages found.
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

    The measures are those of Chroma's chunking evaluation (Smith and Troynikov 2024), except that
    text found twice counts once: theirs counts the overlap of two chunks twice in the denominators
    of precision and IoU. Of a piece of evidence with several places, the best covered place counts;
    if any piece is enough, the best covered piece. Text at any gold place counts as precise. A
    piece that could not be located adds nothing; if none was located, or nothing was found, all
    three are 0.

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
    """Turns spans in characters into spans in words; each article is split only once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Count in `texts` (article -> text)."""
        self._texts = texts
        self._starts: dict[str, list[int]] = {}

    def count(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """The words, split at white space, that begin in each span.

        Spans without a word and spans of an unknown article are left out.
        """
        counted = []
        for span in spans:
            starts = self._word_starts(span.article)
            first, last = (bisect_left(starts, at) for at in (span.start, span.end))
            if first < last:
                counted.append(Span(span.article, first, last))
        return tuple(counted)

    def count_wanted(self, wanted: Wanted) -> Wanted:
        """The gold with its places in words."""
        return Wanted(tuple(self.count(places) for places in wanted.evidence), wanted.any)

    def _word_starts(self, article: str) -> list[int]:
        if article not in self._starts:
            self._starts[article] = _word_starts(self._texts.get(article, ""))
        return self._starts[article]


def in_words(spans: Iterable[Span], texts: Mapping[str, str]) -> tuple[Span, ...]:
    """The same spans in words, split at white space: those that begin in each span.

    `texts` maps articles to their texts. A span in which no word begins is left out.
    """
    return WordCounter(texts).count(spans)


def _word_starts(text: str) -> list[int]:
    blank = [True, *(character.isspace() for character in text)]
    return [at for at, (before, here) in enumerate(pairwise(blank)) if before and not here]


Intervals: TypeAlias = dict[str, list[tuple[int, int]]]


def _merged(spans: Iterable[Span]) -> Intervals:
    """The union of the spans: disjoint intervals in order, by article."""
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
    """The size of the intersection; the lists are short enough to compare every pair."""
    return sum(
        max(0, min(end, last) - max(start, first))
        for article in one.keys() & other.keys()
        for start, end in one[article]
        for first, last in other[article]
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _best_covered(found: Sequence[Span], wanted: Wanted) -> list[Span]:
    """The best covered place of each piece of evidence, or of one piece if any is enough."""
    union = _merged(found)

    def coverage(place: Span) -> float:
        return _share(_common(union, _merged([place])), place.end - place.start)

    best = [max(places, key=coverage) for places in wanted.evidence if places]
    return [max(best, key=coverage)] if wanted.any and best else best


def measure_citations(cited: Sequence[Span], wanted: Wanted) -> dict[str, float]:
    """`CitationPrecision` and `CitationRecall` against the gold quotes.

    A citation is right if it overlaps a gold quote. Precision is the share of right citations, 0
    if nothing is cited. Recall is the share of needed quotes that a citation overlaps; if any
    quote is enough, it is 0 or 1. The names follow ALCE (Gao et al. 2023), which lets a language
    model judge instead.
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


def measure_shown(
    cited: Sequence[Span], wanted: Wanted, context: Sequence[Span] = ()
) -> dict[str, float]:
    """`EvidenceFirst` and `EvidenceShown`: whether what the answer quotes holds gold, 0 or 1.

    A whole gold quote in the first citation, and in any of them or in a part of their `context`; 0
    if nothing is cited. A quote that runs over both is not shown as one, and does not count.
    """
    shown = (*cited, *context) if cited else ()
    held = [any(each.contains(place) for place in wanted.places) for each in shown]
    return {"EvidenceFirst": float(held[:1] == [True]), "EvidenceShown": float(any(held))}


def inexact_quotes(
    quotes: Iterable[tuple[Span, str]], texts: Mapping[str, str]
) -> tuple[tuple[Span, str], ...]:
    """The quotes for which `text[start:end] == quote` fails; there should be none."""
    return tuple(
        (span, quote)
        for span, quote in quotes
        if texts.get(span.article, "")[span.start : span.end] != quote
    )
