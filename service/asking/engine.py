"""The engine: one question in, one answer out; the same for askers and evaluators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Any, TypeVar

from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.passages import Passage, Span
from sourcebook.index.search.candidates import Candidates
from sourcebook.index.stopwatch import Stopwatch
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import (
    DETAIL_MISSING,
    ENTITY_MISSING,
    NOTHING_RELEVANT,
    NOTHING_TO_SEARCH,
    Answer,
    Sentence,
    Status,
    worth_citing,
)
from sourcebook.service.asking.citation import Citation, Scores, cite
from sourcebook.service.asking.confidence import CALIBRATION, Calibration
from sourcebook.service.asking.contradictions import contradictions
from sourcebook.service.asking.disagreement import Disagreement, side_by_side
from sourcebook.service.asking.evidence import evidence
from sourcebook.service.asking.query import Query, plan
from sourcebook.service.asking.rank import COLLAPSED, FULL, Hit, Method, rank
from sourcebook.service.asking.short_answer import Asked, ShortAnswer, short_answer
from sourcebook.service.asking.signals import Signals, missing_entities, signals
from sourcebook.service.language.answer_types import expected
from sourcebook.service.workers import Crew
from sourcebook.service.writing.checks import Written
from sourcebook.service.writing.writer import Writer

NEAREST = 3
# So many drafts are waited for at once: each holds a thread of the server, for a minute perhaps.
WRITING_AT_ONCE = 8

Result = TypeVar("Result")


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
        writer: Writer | None = None,
        crew: Crew | None = None,
    ) -> None:
        """Answer from `library`; `writer` phrases answers where that is asked for.

        With a `crew` questions are answered in its processes, as an engine without options would.
        """
        self.library = library
        self.method = method
        self.calibration = calibration
        self.writer = writer
        self._drafts = BoundedSemaphore(WRITING_AT_ONCE)
        self._crew = crew

    def ask(self, question: str, chosen: Filter | None = None, *, write: bool = False) -> Answer:
        """Answer a question, from the articles that the filter lets through.

        With `write` the writer phrases the answer as well; `InputError` where there is none.
        """
        if write and self.writer is None:
            raise InputError(
                "No writer is set, so nobody can phrase the answer (write).",
                cure="Ask without it, or serve with SOURCEBOOK_WRITER_URL and "
                "SOURCEBOOK_WRITER_MODEL set.",
            )
        answer = self._call(self._asked, question, chosen)
        if not write or self.writer is None or not answer.citations:
            return answer
        return self._phrased(self.writer, answer, chosen)

    def _call(self, method: Callable[..., Result], *arguments: Any) -> Result:
        """What a method of this engine returns, from here or from the crew."""
        return self._crew.call(method, *arguments) if self._crew else method(*arguments)

    def _asked(self, question: str, chosen: Filter | None) -> Answer:
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
            reason=self._reason(ranked, seen) if silent else None,
            generation=generation,
            fingerprint=self.library.fingerprint,
            seconds=watch.seconds,
            short=beside.short,
            disagreements=beside.disagreements,
        )

    def _phrased(self, writer: Writer, answer: Answer, chosen: Filter | None) -> Answer:
        """The answer with what the writer makes of it."""
        watch = Stopwatch(dict(answer.seconds))
        if not self._drafts.acquire(blocking=False):
            failure = f"it is writing {WRITING_AT_ONCE} other answers"
            return replace(answer, written=Written(model=writer.model, failure=failure))
        with watch.stage("write"):
            try:
                written = writer.write(answer.query.text, answer.citations)
            finally:
                self._drafts.release()
        # A writer takes seconds, in which an article may have been removed or replaced.
        texts, _ = self.library.texts_now({one.article.id for one in answer.citations})
        versions = {article: text.sha256 for article, text in texts.items()}
        if any(cited.text_sha256 != versions.get(cited.article.id) for cited in answer.citations):
            written = Written(model=writer.model, failure="an article changed while it wrote")
            answer = self.ask(answer.query.text, chosen)
        return replace(answer, written=written, seconds=watch.seconds)

    def search(self, question: str, chosen: Filter | None = None, limit: int = 10) -> SearchResult:
        """The best `limit` passages, each with its best sentences as the quote."""
        return self._call(self._searched, question, chosen, limit)

    def _searched(self, question: str, chosen: Filter | None, limit: int) -> SearchResult:
        return self.results(self.rank(question, chosen, depth=max(limit, COLLAPSED)), limit)

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

        Each retriever that the method uses brings `depth` candidates or more.
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
            dense_count=_at_least(depth, self.method.dense_count),
            lexical_count=_at_least(depth, self.method.lexical_count),
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
        if short and short.citation in shown:
            short = None  # evidence that others dispute is not settled by words of one side
        return _Beside(short, disagreements, tuple(c for c in further if c.number in shown))

    def _quote(
        self, spans: Sequence[tuple[Hit, Span]], first: int = 1
    ) -> tuple[tuple[Citation, ...], int]:
        """Quote these spans of the hits from their articles as they are now.

        What was removed or replaced while the question was on its way is left out.
        """
        wanted = {hit.article.id for hit, _ in spans}
        texts, generation = self.library.texts_now(wanted)
        citations: list[Citation] = []
        for hit, span in spans:
            passage = hit.passage
            article = texts.get(passage.article_id)
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


def _at_least(depth: int | None, count: int) -> int:
    """As many candidates as are wanted, of a retriever that is used."""
    return max(depth or 0, count) if count else 0
