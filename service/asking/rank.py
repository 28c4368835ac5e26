"""Orders candidates: late interaction fused with the dense and the lexical score."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.encoding.tokens import Vectors, max_sims
from sourcebook.index.passages import Passage, Span
from sourcebook.index.search.candidates import Candidate, Candidates, Sourced
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.asking.query import Query

# Two passages of different articles that share so much of their five-word shingles (Jaccard) are
# one text in two places.
SAME_PASSAGE = 0.7
SHINGLE_WORDS = 5
# Only so many of the best hits are compared with each other: nobody reads further.
COLLAPSED = 10

Read = Callable[[Iterable[int]], Mapping[int, Sourced]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each score counts; all of them lie in [0, 1] whatever else was found.

    Chosen on the dev questions (docs/decisions/0005-fusion.md): `late` is the unit, `near` the
    same within one run of a few words. `source` is what an article gains that the question names
    by publisher or author.
    """

    late: float = 1.0
    near: float = 0.25
    dense: float = 0.3
    lexical: float = 1.4
    source: float = 0.05

    def share(self, score: float) -> float:
        """A score as a share of the highest that these weights allow, in [0, 1]; no probability."""
        highest: float = sum(max(0.0, weight) for weight in astuple(self))
        return min(1.0, max(0.0, score / highest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to answer: how many candidates each retriever brings, and how they are weighed.

    With 100 of each, nDCG@10 differs by .002 at most (docs/decisions/0005-fusion.md).
    """

    name: str
    dense_count: int = 32
    lexical_count: int = 32
    weights: Weights = Weights()


# What is served is `full`; the others take it apart, so that evaluators see what each part gives.
FULL = Method(name="full")
METHODS = {
    method.name: method
    for method in (
        Method(
            name="dense",
            dense_count=200,
            lexical_count=0,
            weights=Weights(late=0, near=0, dense=1, lexical=0, source=0),
        ),
        Method(
            name="bm25",
            dense_count=0,
            lexical_count=200,
            weights=Weights(late=0, near=0, dense=0, lexical=1, source=0),
        ),
        Method(name="hybrid", weights=Weights(late=0, near=0, dense=1, lexical=1, source=0)),
        Method(name="late", weights=Weights(late=1, near=0, dense=0, lexical=0, source=0)),
        FULL,
    )
}
# `full` without one of its parts each.
ABLATIONS = {
    method.name: method
    for method in (
        Method(name="no-late", weights=replace(FULL.weights, late=0)),
        Method(name="no-near", weights=replace(FULL.weights, near=0)),
        Method(name="no-dense", dense_count=0, weights=replace(FULL.weights, dense=0)),
        Method(name="no-lexical", lexical_count=0, weights=replace(FULL.weights, lexical=0)),
    )
}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A ranked passage with the scores that each stage gave it.

    `late` is its MaxSim, `near` that of the best run of it; `similarity` is (question tokens,
    passage tokens and then its context's); `also` are the articles that print the same passage.
    """

    candidate: Candidate
    article: ArticleRecord
    passage: Passage
    score: float
    late: float
    near: float
    similarity: Vectors
    also: tuple[ArticleRecord, ...] = ()

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where in the article's text each of the passage's own tokens begins."""
        return self.candidate.token_starts.astype(np.int64) + self.passage.start

    def tokens_in(self, span: Span) -> slice:
        """Which of the passage's tokens begin in that span of the article's text."""
        first, last = np.searchsorted(self.starts, (span.start, span.end))
        return slice(int(first), int(last))

    @cached_property
    def sentence_matches(self) -> tuple[list[Span], Vectors]:
        """The sentences that hold tokens, and their best matches (question tokens, sentences).

        Title and headings are left aside.
        """
        starts, sentences = self.starts, self.passage.sentences
        edges = [*(sentence.start for sentence in sentences), self.passage.end]
        begins = np.searchsorted(starts, edges)
        held = np.flatnonzero(begins[1:] > begins[:-1])
        if not len(held) or not len(self.similarity):
            return [], np.zeros((len(self.similarity), 0), np.float32)
        own = self.similarity[:, : len(starts)]
        return [sentences[n] for n in held], np.maximum.reduceat(own, begins[held], axis=1)


def rank(
    query: Query,
    found: Candidates,
    read: Read,
    weights: Weights = FULL.weights,
    depth: int | None = None,
) -> list[Hit]:
    """The best `depth` candidates or all, best first; those that print one text are collapsed.

    `read` gives the passages of row numbers; what it does not find any more is left out.
    """
    lengths = [item.tokens for item in found.items]
    owns = [len(item.token_starts) for item in found.items]
    lates, nears = max_sims(found.similarity, owns, lengths, found.weights)
    scores = {
        item.row: weights.late * late
        + weights.near * near
        + weights.dense * item.dense
        + weights.lexical * item.lexical
        for item, late, near in zip(found.items, lates.tolist(), nears.tolist(), strict=True)
    }
    sources: Mapping[int, Sourced] = {}
    if weights.source and (query.publishers or query.authors):
        sources = read(scores)
        for row, source in sources.items():
            scores[row] += weights.source * _named(query, source.article)
    # The row breaks ties, so that equal questions get equal answers.
    ranked = [(-scores[item.row], item.row, number) for number, item in enumerate(found.items)]
    order = [number for _, _, number in sorted(ranked)[:depth]]
    sources = sources or read([found.items[number].row for number in order])
    ends = np.cumsum(lengths)
    hits = []
    for number in order:
        item = found.items[number]
        if item.row not in sources:
            continue
        source = sources[item.row]
        hits.append(
            Hit(
                candidate=item,
                article=source.article,
                passage=source.passage,
                score=scores[item.row],
                late=float(lates[number]),
                near=float(nears[number]),
                similarity=found.similarity[:, ends[number] - lengths[number] : ends[number]],
                also=source.copies,
            )
        )
    return [*collapse(hits[:COLLAPSED]), *hits[COLLAPSED:]]


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Merge hits of different articles that print the same passage into the better one."""
    kept: list[Hit] = []
    printed: list[set[tuple[str, ...]]] = []
    for hit in hits:
        shingles = _shingles(hit.passage.text)
        for number, (other, theirs) in enumerate(zip(kept, printed, strict=True)):
            common = len(shingles & theirs)
            same = common >= SAME_PASSAGE * (len(shingles) + len(theirs) - common)
            if same and other.article.id != hit.article.id:
                kept[number] = _merged(other, hit)
                break
        else:
            kept.append(hit)
            printed.append(shingles)
    return kept


def _merged(better: Hit, worse: Hit) -> Hit:
    known = {better.article.id, *(record.id for record in better.also)}
    new = [record for record in (worse.article, *worse.also) if record.id not in known]
    return replace(better, also=(*better.also, *new))


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    if len(words) < SHINGLE_WORDS:
        return {tuple(words)}
    return set(zip(*(words[i:] for i in range(SHINGLE_WORDS)), strict=False))


def _named(query: Query, article: ArticleRecord) -> bool:
    """Whether the question names this article's publisher or one of its authors."""
    return article.metadata.publisher in query.publishers or bool(
        set(article.metadata.authors) & set(query.authors)
    )
