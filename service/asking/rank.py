"""The stage `rank`: late interaction, fused with the dense and the lexical score."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import Lead
from sourcebook.index.differences import same_words
from sourcebook.index.encoding.reader import PassageReading
from sourcebook.index.encoding.tokens import Vectors, max_sims
from sourcebook.index.passages import Passage, Span
from sourcebook.index.profile import Weights
from sourcebook.index.search.candidates import Candidate, Candidates, Sourced
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.index.words import WORD
from sourcebook.service.asking.query import Query

# Two passages of different articles that share so much of their five-word shingles (Jaccard), and
# say nothing otherwise, are one text in two places.
SAME_PASSAGE = 0.7
SHINGLE_WORDS = 5
# How many of the best hits are compared with each other; fewer are ever shown.
COLLAPSED = 10

# The passages of row numbers, with their articles; rows that there are not are left out.
Load = Callable[[Iterable[int]], Mapping[int, Sourced]]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A ranked passage with the scores that each stage gave it.

    `late` is its MaxSim, `window` that of its best few words; `similarity` is (question tokens,
    passage tokens and then its context's); `also` are the articles that print the same passage,
    `reading` is what the reader says of it, where it has read it.
    """

    candidate: Candidate
    article: ArticleRecord
    passage: Passage
    score: float
    late: float
    window: float
    similarity: Vectors
    also: tuple[ArticleRecord, ...] = ()
    reading: PassageReading | None = None

    @property
    def answers(self) -> bool:
        """Whether the reader finds that it rather answers the question than not."""
        return self.reading is not None and self.reading.logit > 0

    @property
    def margin(self) -> float:
        """By how much what the reader found scores above "no answer here"; 0 where it is unread."""
        return self.reading.span_score - self.reading.null_score if self.reading else 0.0

    @property
    def read_span(self) -> Span | None:
        """Where in the article's text the reader finds the answer, if it has read the passage."""
        if self.reading is None or self.reading.start >= self.reading.end:
            return None
        first = self.passage.start
        return Span(first + self.reading.start, first + self.reading.end)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where in the article's text each of the passage's own tokens begins."""
        return self.candidate.token_starts.astype(np.int64) + self.passage.start

    @cached_property
    def sentence_matches(self) -> tuple[list[Span], Vectors]:
        """The sentences that hold tokens, and their best matches (question tokens, sentences).

        What a row or an item is not understood without counts as if it stood there, and a header
        is no sentence. Title and headings are left aside.
        """
        starts, sentences = self.starts, self.passage.sentences
        edges = [*(sentence.start for sentence in sentences), self.passage.end]
        begins = np.searchsorted(starts, edges)
        held = np.flatnonzero(begins[1:] > begins[:-1])
        if not len(held) or not len(self.similarity):
            return [], np.zeros((len(self.similarity), 0), np.float32)
        own = self.similarity[:, : len(starts)]
        matches = np.maximum.reduceat(own, begins[held], axis=1)
        kept = [sentences[n] for n in held]
        for lead in self.passage.leading:
            led = [n for n, each in enumerate(kept) if lead.leads(each.start, each.end)]
            matches[:, led] = np.maximum(matches[:, led], self._matches_of(lead)[:, None])
        spoken = [n for n, each in enumerate(kept) if not self.passage.is_header(each)]
        spoken = spoken or list(range(len(kept)))
        return [kept[n] for n in spoken], matches[:, spoken]

    def _matches_of(self, lead: Lead) -> Vectors:
        """How well each of the question's tokens is matched in a lead (question tokens,).

        One before the passage is part of its context.
        """
        if lead.end <= self.passage.start:
            part = self.similarity[:, len(self.starts) :]
        else:
            first, last = np.searchsorted(self.starts, [lead.start, lead.end])
            part = self.similarity[:, first:last]
        best: Vectors = part.max(axis=1, initial=-1.0)
        return best


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best hits, in order; `weights` (question tokens,) are those of their ranking."""

    hits: tuple[Hit, ...]
    weights: Vectors


@dataclass(frozen=True, slots=True)
class Rank:
    """Orders candidates by the weighted sum of their scores."""

    weights: Weights

    def __call__(
        self, query: Query, found: Candidates, load: Load, depth: int | None = None
    ) -> Ranking:
        """The best `depth` candidates or all, best first; those that print one text are merged."""
        lengths = [item.tokens for item in found.items]
        starting = [len(item.token_starts) for item in found.items]
        late, window = max_sims(found.similarity, starting, lengths, found.weights)
        scores = {
            item.row: self.weights.late * float(late[number])
            + self.weights.window * float(window[number])
            + self.weights.dense * item.dense
            + self.weights.lexical * item.lexical
            for number, item in enumerate(found.items)
        }
        sources: Mapping[int, Sourced] = {}
        if query.sources or query.periods:
            sources = load(scores)
            for row, each in sources.items():
                scores[row] += self._raised(query, each)
        # The row breaks ties, so that equal questions get equal answers.
        ranked = [(-scores[item.row], item.row, number) for number, item in enumerate(found.items)]
        ranked.sort()
        # Each source that is asked has its best passage among the hits, however far behind.
        own: dict[tuple[float, int, int], None] = {}
        for source in query.asked_sources:
            spoken = (
                each
                for each in ranked
                if each[1] in sources and source.speaks_in(sources[each[1]].article.metadata)
            )
            own |= dict.fromkeys(itertools.islice(spoken, 1))
        behind = [each for each in own if depth is not None and each not in ranked[:depth]]
        best = [*(ranked[: depth - len(behind)] if depth is not None else ranked), *behind]
        order = [number for _, _, number in sorted(best)]
        sources = sources or load([found.items[number].row for number in order])
        ends = np.cumsum(lengths)
        hits = [
            Hit(
                candidate=item,
                article=sources[item.row].article,
                passage=sources[item.row].passage,
                score=scores[item.row],
                late=float(late[number]),
                window=float(window[number]),
                similarity=found.similarity[:, ends[number] - lengths[number] : ends[number]],
                also=sources[item.row].copies,
            )
            for number in order
            if (item := found.items[number]).row in sources
        ]
        return Ranking((*collapse(hits[:COLLAPSED]), *hits[COLLAPSED:]), found.weights)

    def _raised(self, query: Query, sourced: Sourced) -> float:
        """What a passage gains by its article's source, and by dates of the question."""
        about = sourced.article.metadata
        named = any(source.speaks_in(about) for source in query.sources)
        dated = any(
            bool(about.published and period.may_hold(about.published))
            if period.published
            else period.mentioned_in(sourced.passage.text)
            for period in query.periods
        )
        return self.weights.source * named + self.weights.date * dated


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Merge hits of different articles that print the same passage into the better one.

    Passages that differ in a number or a name stay apart, however much they resemble each other.
    """
    kept: list[Hit] = []
    printed: list[set[tuple[str, ...]]] = []
    for hit in hits:
        own = shingles(hit.passage.text)
        for number, (other, theirs) in enumerate(zip(kept, printed, strict=True)):
            common = len(own & theirs)
            same = common >= SAME_PASSAGE * (len(own) + len(theirs) - common)
            apart = other.article.id != hit.article.id
            if same and apart and same_words(other.passage.text, hit.passage.text):
                kept[number] = _merged(other, hit)
                break
        else:
            kept.append(hit)
            printed.append(own)
    return kept


def _merged(better: Hit, worse: Hit) -> Hit:
    known = {better.article.id, *(record.id for record in better.also)}
    new = [record for record in (worse.article, *worse.also) if record.id not in known]
    return replace(better, also=(*better.also, *new))


def shingles(text: str) -> set[tuple[str, ...]]:
    """Each run of five words in a text, in lower case; all its words where there are fewer."""
    words = WORD.findall(text.casefold())
    if len(words) < SHINGLE_WORDS:
        return {tuple(words)}
    return set(zip(*(words[i:] for i in range(SHINGLE_WORDS)), strict=False))


def own_hits(query: Query, hits: Sequence[Hit]) -> list[Hit]:
    """The best hit of each source that the question asks, in the order of the hits.

    A copy in one of its articles counts, too.
    """
    found: dict[int, Hit] = {}
    for source in query.asked_sources:
        for hit in hits:
            if any(source.speaks_in(each.metadata) for each in (hit.article, *hit.also)):
                found.setdefault(hit.candidate.row, hit)
                break
    return [hit for hit in hits if hit.candidate.row in found]
