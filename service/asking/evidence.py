"""Finds the sentences of a passage that answer the question."""

import itertools
from collections.abc import Sequence

import numpy as np

from sourcebook.index.article import LeadKind
from sourcebook.index.encoding.tokens import Vectors, weighted
from sourcebook.index.passages import Passage, Span
from sourcebook.index.profile import EvidenceThresholds
from sourcebook.index.words import WORD
from sourcebook.service.asking.query import ContentWord
from sourcebook.service.asking.rank import Hit
from sourcebook.service.asking.text_words import TextWords
from sourcebook.service.language.answer_types import Expected, fitting
from sourcebook.service.language.languages import LEXICON

MAX_SENTENCES = 3  # of what is chosen; docs/decisions/0011-short-answers.md measures how many


def evidence(
    hit: Hit,
    weights: Vectors,
    wanted: Expected | None,
    thresholds: EvidenceThresholds,
    words: Sequence[ContentWord],
) -> Span:
    """The sentences of one paragraph of the hit's passage that answer best.

    Those that match the question best, together with those that hold what the reader found; the
    latter alone where both do not fit into three sentences of one paragraph. The sentence before
    is added where the first refers to it ("They fell ..."). Of a table it is one whole row: that
    with most of the question's `words`. `weights` (question tokens,) are those that the passage was
    ranked with; `wanted` is the type of answer that is asked for.
    """
    like = alike(hit, weights, wanted, thresholds)
    found = sentences_read(hit)
    best = like
    if found:
        both = Span(min(like.start, found.start), max(like.end, found.end))
        held = _within(hit.passage, both)
        best = both if len(held) <= MAX_SENTENCES and _one_paragraph(hit.passage, held) else found
    return _row(hit.passage, best, like, words) or _resolved(hit.passage, best)


def _row(passage: Passage, best: Span, like: Span, words: Sequence[ContentWord]) -> Span | None:
    """The row of the table that `best` is in to quote; None where it is in none.

    Rows differ by a name or two, which neither vectors nor a reader trained on prose tell apart
    well. Among those with the same words the one that is most `like` the question is preferred.
    """

    def fit(row: Span) -> tuple[float, bool, bool]:
        said = TextWords(passage.text_of(row))
        held = sum(word.rarity for word in words if said.hold(word))
        return held, row.start <= like.start < row.end, row.start <= best.start < row.end

    return max(_rows(passage, best), key=fit, default=None)


def _rows(passage: Passage, span: Span) -> list[Span]:
    """The whole rows of the table that a span is in; none where it is in none."""
    headers = [lead for lead in passage.leads if lead.kind is LeadKind.HEADER]
    header = next((lead for lead in headers[::-1] if lead.leads(span.start, span.end)), None)
    if header is None:
        return []
    rows: list[Span] = []
    for sentence in passage.sentences:
        if header.leads(sentence.start, sentence.end):
            same = rows and not _apart(passage, rows[-1], sentence)  # a cell may hold sentences
            rows.append(Span(rows.pop().start, sentence.end) if same else sentence)
    return rows


def whole(passage: Passage, sentence: Span) -> Span:
    """What one sentence of a passage is quoted with: all of its row, or what it refers to."""
    rows = (row for row in _rows(passage, sentence) if row.overlaps(sentence))
    return next(rows, None) or _resolved(passage, sentence)


def alike(
    hit: Hit, weights: Vectors, wanted: Expected | None, thresholds: EvidenceThresholds
) -> Span:
    """The one to three sentences of one paragraph that match the question best.

    A further sentence must add to the MaxSim what it costs, and words of the wanted type are worth
    something.
    """
    sentences, matches = hit.sentence_matches
    if not sentences:
        return hit.passage.sentences[0]
    language = hit.article.metadata.language
    typed = np.array(
        [
            wanted is not None and bool(fitting(hit.passage.text_of(s), wanted, language))
            for s in sentences
        ]
    )
    apart = np.array([_apart(hit.passage, *pair) for pair in itertools.pairwise(sentences)], bool)
    choices = []
    runs, holding, crossing = matches, typed, np.zeros(len(sentences), bool)
    for more in range(min(MAX_SENTENCES, len(sentences))):
        if more:
            runs = np.maximum(runs[:, :-1], matches[:, more:])
            holding = holding[:-1] | typed[more:]
            crossing = crossing[:-1] | apart[more - 1 :]
        worth = weighted(runs, weights) - thresholds.sentence_cost * more
        worth = np.where(crossing, -np.inf, worth + thresholds.typed * holding)
        first = int(worth.argmax())
        choices.append((float(worth[first]), -first, more))
    _, negative, more = max(choices, key=lambda choice: choice[:2])
    return Span(sentences[-negative].start, sentences[more - negative].end)


def sentences_read(hit: Hit) -> Span | None:
    """The sentences that hold what the reader found, the first paragraph of them.

    None where it has not read the passage, or rather finds nothing in it.
    """
    span = hit.read_span
    if span is None or hit.margin <= 0:
        return None
    held = [each for each in _within(hit.passage, span) if not hit.passage.is_header(each)]
    while not _one_paragraph(hit.passage, held):
        held.pop()
    return Span(held[0].start, held[-1].end) if held else None


def _within(passage: Passage, span: Span) -> list[Span]:
    """The sentences that share a character with the span."""
    return [each for each in passage.sentences if each.overlaps(span)]


def _apart(passage: Passage, one: Span, other: Span) -> bool:
    """Whether a paragraph ends between two sentences: each is on lines of its own."""
    return "\n" in passage.text[one.end - passage.start : other.start - passage.start]


def _one_paragraph(passage: Passage, held: list[Span]) -> bool:
    return not any(_apart(passage, *pair) for pair in itertools.pairwise(held))


def _resolved(passage: Passage, span: Span) -> Span:
    """The span, from the sentence before on if its first word refers to that."""
    first = next(n for n, each in enumerate(passage.sentences) if each.start == span.start)
    opening = WORD.search(passage.text_of(passage.sentences[first]))
    if not first or not opening or opening[0].lower() not in LEXICON.referring:
        return span
    before = passage.sentences[first - 1]
    if _apart(passage, before, passage.sentences[first]):
        return span
    return Span(before.start, span.end)
