"""The engine: one question in, one answer out; the same for askers and evaluators."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore

from index.library import Candidates, Library
from index.passages import Passage, Span
from index.records import Filter
from index.stopwatch import Stopwatch
from service.answer import Answer, Calibration, Sentence, Status, worth_citing
from service.answer_type import expected
from service.cite import Citation, Scores, cite
from service.contradictions import contradictions
from service.disagree import Disagreement, side_by_side
from service.evidence import evidence
from service.plan import Query, plan
from service.rank import COLLAPSED, FULL, Hit, Method, rank
from service.short import Asked, ShortAnswer, short_answer

# Measured on the dev questions; see docs/decisions/0006-abstention.md.
CALIBRATION = Calibration(
    intercept=-4.57, late=3.40, dense=5.31, lexical=0.93, answered=0.5, partial=0.25
)
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
    """A question with its best candidates in the order of their rank; `seconds` is by stage."""

    query: Query
    found: Candidates
    hits: list[Hit]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside an answer's sentences; `citations` are those of further sides."""

    short: ShortAnswer | None = None
    disagreements: tuple[Disagreement, ...] = ()
    citations: tuple[Citation, ...] = ()


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
        confidence = self.calibration.confidence(hits)
        status = self.calibration.status(confidence)
        with watch.stage("compose"):
            cited = hits[:NEAREST] if status is Status.NOT_IN_LIBRARY else worth_citing(hits)
            citations, generation = self._cite(cited, ranked)
            silent = status is Status.NOT_IN_LIBRARY or not citations
            beside = _Beside() if silent else self._beside(citations, ranked)
        return Answer(
            query=ranked.query,
            status=Status.NOT_IN_LIBRARY if silent else status,
            confidence=confidence,
            sentences=() if silent else tuple(Sentence(c.exact, (c.number,)) for c in citations),
            citations=() if silent else (*citations, *beside.citations),
            nearest=citations if silent else (),
            reason=_silence(ranked) if silent else None,
            generation=generation,
            fingerprint=self.library.fingerprint,
            seconds=watch.seconds,
            short=beside.short,
            disagreements=beside.disagreements,
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
            citations, generation = self._cite(best, ranked)
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
        return Ranked(query=query, found=found, hits=hits, seconds=watch.seconds)

    def _cite(self, hits: list[Hit], ranked: Ranked) -> tuple[tuple[Citation, ...], int]:
        """Quote the best sentences of the hits."""
        wanted = expected(ranked.query.text)
        found = [(hit, evidence(hit, ranked.found.weights, wanted)) for hit in hits]
        return self._quote([(hit, Span(span.start, span.end)) for hit, span in found])

    def _beside(self, citations: tuple[Citation, ...], ranked: Ranked) -> _Beside:
        """What stands beside an answer: its few words, and what other sources say differently."""
        question, weights = ranked.query.text, ranked.found.weights
        pieces = self.library.encoder.piece_offsets(question)
        wanted = expected(question)
        asked = Asked.of(wanted, pieces, weights) if wanted else None
        hits = {hit.passage.id: hit for hit in ranked.hits}
        short = short_answer(asked, [(hits[c.passage_id], c) for c in citations]) if asked else None
        found = contradictions(question, pieces, ranked.hits, asked, weights)
        uncited = {
            (said.statement.hit.passage.id, said.statement.sentence): said.statement.hit
            for each in found
            for said in each.sides
            if not said.among(citations)
        }
        quotes = [(hit, sentence) for (_, sentence), hit in uncited.items()]
        further, _ = self._quote(quotes, first=len(citations) + 1) if quotes else ((), 0)
        disagreements = side_by_side(found, (*citations, *further))
        shown = {side.citation for each in disagreements for side in each.sides}
        if short and any(short.text == side.value for d in disagreements for side in d.sides):
            short = None  # what sources disagree on is not settled by showing one of them
        return _Beside(short, disagreements, tuple(c for c in further if c.number in shown))

    def _quote(
        self, spans: Sequence[tuple[Hit, Span]], first: int = 1
    ) -> tuple[tuple[Citation, ...], int]:
        """Quote these spans of the hits from their articles as they are now.

        What was removed or replaced while the question was on its way is left out.
        """
        wanted = {hit.article.id for hit, _ in spans}
        articles, generation = self.library.articles_now(wanted)
        citations: list[Citation] = []
        for hit, span in spans:
            passage = hit.passage
            article = articles.get(passage.article_id)
            if article is None or article.sha256 != passage.article_sha256:
                continue
            citations.append(
                cite(
                    number=first + len(citations),
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


def _silence(ranked: Ranked) -> str:
    """Why there is no answer, machine-readable."""
    # Dense search finds something in whatever is not empty.
    return "nothing_relevant" if ranked.found.items else "nothing_to_search"
