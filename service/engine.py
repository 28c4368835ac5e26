"""The engine: one question in, one answer out; the same for askers and evaluators."""

import os
from dataclasses import dataclass
from threading import BoundedSemaphore

from index.library import Candidates, Library
from index.passages import Passage
from index.records import Filter
from index.stopwatch import Stopwatch
from service.answer import (
    DETAIL_MISSING,
    ENTITY_MISSING,
    NOTHING_RELEVANT,
    NOTHING_TO_SEARCH,
    Answer,
    Sentence,
    Status,
    worth_citing,
)
from service.cite import Citation, Scores, cite
from service.confidence import CALIBRATION, Calibration
from service.evidence import evidence
from service.plan import Query, plan
from service.rank import COLLAPSED, FULL, Hit, Method, rank
from service.signals import Signals, missing_entities, signals

NEAREST = 3
# So many questions are answered at once: more threads than that only take turns with Python's lock.
AT_ONCE = 2 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A ranked passage and the citation of its best sentences."""

    passage: Passage
    citation: Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Ranked passages, best first."""

    query: Query
    hits: tuple[FoundPassage, ...]
    generation: int
    fingerprint: str
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A question with its best candidates in the order of their rank; `seconds` is by stage.

    `chosen` is the filter that they passed.
    """

    query: Query
    chosen: Filter | None
    found: Candidates
    hits: list[Hit]
    seconds: dict[str, float]


class Engine:
    """Answers questions from one library."""

    def __init__(
        self,
        library: Library,
        *,
        method: Method = FULL,
        calibration: Calibration = CALIBRATION,
    ) -> None:
        """Answer from `library`."""
        self.library = library
        self.method = method
        self.calibration = calibration
        self._turns = BoundedSemaphore(AT_ONCE)

    def ask(self, question: str, chosen: Filter | None = None) -> Answer:
        """Answer a question, from the articles that the filter lets through."""
        with self._turns:
            return self.answer(self.rank(question, chosen, depth=COLLAPSED))

    def answer(self, ranked: Ranked) -> Answer:
        """Answer from what was ranked for a question."""
        watch = Stopwatch(dict(ranked.seconds))
        hits = ranked.hits
        with watch.stage("signals"):
            seen = signals(ranked.query.text, ranked.found, hits[0]) if hits else None
            confidence = self.calibration.confidence(seen)
        status = self.calibration.status(confidence)
        with watch.stage("compose"):
            cited = hits[:NEAREST] if status is Status.NOT_IN_LIBRARY else worth_citing(hits)
            citations, generation = self._cite(cited, ranked.found)
        silent = status is Status.NOT_IN_LIBRARY or not citations
        return Answer(
            query=ranked.query,
            status=Status.NOT_IN_LIBRARY if silent else status,
            confidence=confidence,
            sentences=() if silent else tuple(Sentence(c.exact, (c.number,)) for c in citations),
            citations=() if silent else citations,
            nearest=citations if silent else (),
            reason=self._reason(ranked, seen) if silent else None,
            generation=generation,
            fingerprint=self.library.fingerprint,
            seconds=watch.seconds,
        )

    def search(self, question: str, chosen: Filter | None = None, limit: int = 10) -> SearchResult:
        """The best `limit` passages, each with its best sentences as the quote."""
        with self._turns:
            ranked = self.rank(question, chosen, depth=max(limit, COLLAPSED))
            return self.results(ranked, limit)

    def results(self, ranked: Ranked, limit: int = 10) -> SearchResult:
        """The best `limit` passages of what was ranked for a question."""
        watch = Stopwatch(dict(ranked.seconds))
        best = ranked.hits[:limit]
        with watch.stage("compose"):
            citations, generation = self._cite(best, ranked.found)
        passages = {hit.passage.id: hit.passage for hit in best}
        return SearchResult(
            query=ranked.query,
            hits=tuple(FoundPassage(passages[cited.passage_id], cited) for cited in citations),
            generation=generation,
            fingerprint=self.library.fingerprint,
            seconds=watch.seconds,
        )

    def rank(
        self, question: str, chosen: Filter | None = None, *, depth: int | None = None
    ) -> Ranked:
        """The best `depth` candidates for a question, or all, in the order of their rank.

        `answer` and `results` go on from here, so that an evaluator can have both at one cost.
        """
        watch = Stopwatch()
        with watch.stage("plan"):
            query = plan(question, *self.library.names())
        found = self.library.search(
            query.text,
            watch,
            phrases=query.phrases,
            chosen=chosen,
            dense_count=self.method.dense_count,
            lexical_count=self.method.lexical_count,
        )
        with watch.stage("rank"):
            hits = rank(query, found, self.library.sourced, self.method.weights, depth)
        return Ranked(query=query, chosen=chosen, found=found, hits=hits, seconds=watch.seconds)

    def _reason(self, ranked: Ranked, seen: Signals | None) -> str:
        """Why there is no answer, machine-readable."""
        if seen is None:  # dense search finds something in whatever is not empty
            return NOTHING_TO_SEARCH
        if not self.calibration.is_relevant(seen):
            return NOTHING_RELEVANT
        text = ranked.query.text
        held = self.library.held(text, ranked.chosen)
        missing = missing_entities(text, ranked.found, ranked.hits[0], held)
        return f"{ENTITY_MISSING}:{missing[0]}" if missing else DETAIL_MISSING

    def _cite(self, hits: list[Hit], found: Candidates) -> tuple[tuple[Citation, ...], int]:
        """Quote the hits from their articles as they are now.

        What was removed or replaced while the question was on its way is left out.
        """
        wanted = {hit.article.id for hit in hits}
        articles, generation = self.library.articles_now(wanted)
        citations: list[Citation] = []
        for hit in hits:
            passage = hit.passage
            article = articles.get(passage.article_id)
            if article is None or article.sha256 != passage.article_sha256:
                continue
            span = evidence(hit, found.weights)
            citations.append(
                cite(
                    number=len(citations) + 1,
                    article=article,
                    record=hit.article,
                    passage=passage,
                    start=span.start,
                    end=span.end,
                    scores=Scores(
                        fused=hit.score,
                        late=hit.late,
                        dense=hit.candidate.dense,
                        lexical=hit.candidate.lexical,
                    ),
                    also=hit.also,
                )
            )
        return tuple(citations), generation
