"""The stage `compose`: quotes what was decided on, and sets beside it what belongs to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sourcebook.index.passages import Passage, Span
from sourcebook.index.profile import Profile
from sourcebook.index.search.view import LibraryView
from sourcebook.service.asking.answer import Answer, Sentence, Status
from sourcebook.service.asking.citation import Citation, Scores, cite
from sourcebook.service.asking.contradictions import contradictions
from sourcebook.service.asking.decide import Decision
from sourcebook.service.asking.disagreement import Disagreement, side_by_side
from sourcebook.service.asking.evidence import evidence
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit, Ranking
from sourcebook.service.asking.short_answer import ShortAnswer, read_answer, short_answer


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A ranked passage and the citation of its best sentences."""

    passage: Passage
    citation: Citation


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside an answer's sentences; `citations` are those of further sides."""

    short: ShortAnswer | None = None
    disagreements: tuple[Disagreement, ...] = ()
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Compose:
    """Turns hits into quotes, and a decision into an answer."""

    profile: Profile

    def __call__(
        self, query: Query, ranking: Ranking, decision: Decision, view: LibraryView
    ) -> Answer:
        """The answer, with all quotes read from this view."""
        citations = self._cite(query, decision.quoted, ranking, view)
        silent = decision.status is not Status.ANSWERED
        beside = _Beside() if silent else self._beside(query, citations, ranking, view)
        return Answer(
            query=query,
            status=decision.status,
            confidence=decision.confidence,
            sentences=() if silent else tuple(Sentence(c.exact, (c.number,)) for c in citations),
            citations=() if silent else (*citations, *beside.citations),
            nearest=citations if silent else (),
            reason=decision.reason,
            generation=view.generation,
            fingerprint=view.fingerprint,
            seconds=view.watch.seconds,
            short=beside.short,
            disagreements=beside.disagreements,
        )

    def passages(
        self, query: Query, ranking: Ranking, limit: int, view: LibraryView
    ) -> tuple[FoundPassage, ...]:
        """The best `limit` passages, each with its best sentences as the quote."""
        hits = ranking.hits[:limit]
        citations = self._cite(query, hits, ranking, view)
        found = zip(hits, citations, strict=True)
        return tuple(FoundPassage(hit.passage, citation) for hit, citation in found)

    def _cite(
        self, query: Query, hits: Iterable[Hit], ranking: Ranking, view: LibraryView
    ) -> tuple[Citation, ...]:
        """Quote the best sentences of the hits."""
        quotes = []
        for hit in hits:
            quotes.append((hit, self._evidence(query, hit, ranking)))
        return quote(quotes, view)

    def _evidence(self, query: Query, hit: Hit, ranking: Ranking) -> Span:
        """The sentences that match the question best, or those of what the reader surely found."""
        best = evidence(hit, ranking.weights, query.wanted, self.profile.evidence)
        span = hit.read_span
        if span and hit.margin >= self.profile.reading.evidence:
            held = [s for s in hit.passage.sentences if s.start < span.end and span.start < s.end]
            if held and not best.start <= span.start < span.end <= best.end:
                return Span(held[0].start, held[-1].end)
        return Span(best.start, best.end)

    def _beside(
        self, query: Query, citations: Sequence[Citation], ranking: Ranking, view: LibraryView
    ) -> _Beside:
        """The short answer, and what other sources say differently."""
        hits = {hit.passage.id: hit for hit in ranking.hits}
        cited = [(hits[citation.passage_id], citation) for citation in citations]
        if any(hit.reading for hit in ranking.hits):
            short = read_answer(query, cited, self.profile.reading)
        else:
            short = short_answer(query, cited, ranking.weights, self.profile.short_answers)
        found = contradictions(query, ranking, self.profile)
        uncited = {
            (said.statement.hit.passage.id, said.statement.sentence): said.statement.hit
            for each in found
            for said in each.sides
            if not said.among(citations)
        }
        quotes = [(hit, sentence) for (_, sentence), hit in uncited.items()]
        further = quote(quotes, view, first=len(citations) + 1)
        disagreements = side_by_side(found, (*citations, *further))
        shown = {side.citation for each in disagreements for side in each.sides}
        if short and short.citation in shown:
            short = None  # words of one side do not settle what others dispute
        return _Beside(short, disagreements, tuple(c for c in further if c.number in shown))


def quote(
    spans: Sequence[tuple[Hit, Span]], view: LibraryView, first: int = 1
) -> tuple[Citation, ...]:
    """Citations of these spans, numbered from `first`; the view's own texts are quoted."""
    texts = view.texts({hit.article.id for hit, _ in spans})
    return tuple(
        cite(
            number=first + number,
            article=texts[hit.article.id],
            record=hit.article,
            passage=hit.passage,
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
        for number, (hit, span) in enumerate(spans)
    )
