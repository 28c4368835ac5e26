"""The stage `compose`: quotes what was decided on, and sets beside it what belongs to it."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sourcebook.index.passages import Passage, Span
from sourcebook.index.profile import Profile
from sourcebook.index.search.view import LibraryView
from sourcebook.service.asking.answer import Answer, Sentence, Status
from sourcebook.service.asking.citation import Citation, Scores, cite
from sourcebook.service.asking.decide import MOST_CITED, Decision
from sourcebook.service.asking.disagreement import Contradiction, Disagreement, side_by_side
from sourcebook.service.asking.evidence import evidence, whole
from sourcebook.service.asking.needed import needed
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import COLLAPSED, Hit, Ranking
from sourcebook.service.asking.short_answer import ShortAnswer, read_answer
from sourcebook.service.asking.statements import Statement
from sourcebook.service.asking.text_words import TextWords


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
        self,
        query: Query,
        ranking: Ranking,
        decision: Decision,
        differing: Sequence[Contradiction],
        view: LibraryView,
    ) -> Answer:
        """The answer, with all quotes read from this view."""
        silent = decision.status is not Status.ANSWERED
        quoted = decision.quoted if silent else for_each_name(query, decision.quoted, ranking.hits)
        spans = newest_first(self._spans(query, quoted, ranking), differing)
        citations = quote(query, spans, view)
        beside = _Beside() if silent else self._beside(query, citations, ranking, differing, view)
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
        citations = quote(query, self._spans(query, hits, ranking), view)
        found = zip(hits, citations, strict=True)
        return tuple(FoundPassage(hit.passage, citation) for hit, citation in found)

    def _spans(self, query: Query, hits: Iterable[Hit], ranking: Ranking) -> list[tuple[Hit, Span]]:
        """The hits, each with its best sentences."""
        thresholds = self.profile.evidence
        return [
            (hit, evidence(hit, ranking.weights, query.wanted, thresholds, query.words))
            for hit in hits
        ]

    def _beside(
        self,
        query: Query,
        citations: Sequence[Citation],
        ranking: Ranking,
        differing: Sequence[Contradiction],
        view: LibraryView,
    ) -> _Beside:
        """The short answer, or what sources answer differently: one side does not settle it."""
        if not differing:
            hits = {hit.passage.id: hit for hit in ranking.hits}
            cited = [(hits[citation.passage_id], citation) for citation in citations]
            return _Beside(read_answer(query, cited, self.profile.reading))
        said = [side for each in differing for side in each.sides]
        uncited = {
            (each.hit.passage.id, each.sentence): (each.hit, whole(each.hit.passage, each.sentence))
            for each in said
            if not each.among(citations)
        }
        further = quote(query, list(uncited.values()), view, first=len(citations) + 1)
        quoted = (*citations, *further)
        return _Beside(None, tuple(side_by_side(each, quoted) for each in differing), further)


def newest_first(
    spans: Sequence[tuple[Hit, Span]], differing: Iterable[Contradiction]
) -> list[tuple[Hit, Span]]:
    """The spans to quote: what versions say differently only in the words of the last one, first.

    Those of the others are shown beside the answer.
    """
    for each in differing:
        if each.versions:
            last = each.sides[0]
            kept = [one for one in spans if not any(_quotes(one, said) for said in each.older)]
            own = [one for one in kept if _quotes(one, last)]
            others = [one for one in kept if not _quotes(one, last)]
            return [*(own or [(last.hit, whole(last.hit.passage, last.sentence))]), *others]
    return list(spans)


def _quotes(span: tuple[Hit, Span], side: Statement) -> bool:
    """Whether a span of a hit shares a sentence with what a version says."""
    hit, quoted = span
    return quoted.overlaps(side.sentence) and hit.article.id == side.hit.article.id


def for_each_name(query: Query, quoted: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits to quote, and the best further one for each name of the question that they lack.

    Who asks of two people, places or sources then sees evidence for each, where there is any; at
    most four hits are quoted.
    """
    names = [word for word in query.words if word.named and not word.numeric]
    if not names:
        return tuple(quoted)
    chosen = list(quoted)
    among = (*quoted, *hits[:COLLAPSED])
    held = {hit.passage.id: _held(hit) for hit in among}
    for name in names:
        if not any(held[hit.passage.id].hold(name) for hit in chosen):
            further = (hit for hit in among if held[hit.passage.id].hold(name))
            chosen += itertools.islice(further, len(chosen) < MOST_CITED)
    return tuple(chosen)


def _held(hit: Hit) -> TextWords:
    """The words of a passage, and of what stands above it or names its source."""
    known = hit.article.metadata
    above = (known.title, known.publisher, *known.authors, *hit.passage.above)
    return TextWords(" ".join((*above, hit.passage.text)))


def quote(
    query: Query, spans: Sequence[tuple[Hit, Span]], view: LibraryView, first: int = 1
) -> tuple[Citation, ...]:
    """Citations of these spans, each with what it needs, numbered from `first`.

    The view's own texts are quoted. Only those copies of an article are named that hold the quote,
    too. Raises `DamagedError` where an article was damaged since its passage was read.
    """
    named = (record.id for hit, _ in spans for record in (hit.article, *hit.also))
    texts = view.texts(set(named))
    own = [texts.get(hit.article.id) or view.article(hit.article.id) for hit, _ in spans]
    return tuple(
        cite(
            number=first + number,
            article=article,
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
            also=tuple(
                record
                for record in hit.also
                if record.id in texts
                and article.text[span.start : span.end] in texts[record.id].text
            ),
            leads=needed(
                hit.passage.leads,
                span.start,
                span.end,
                article.text[span.start : span.end],
                title=hit.article.metadata.title,
                words=query.words,
            ),
        )
        for number, ((hit, span), article) in enumerate(zip(spans, own, strict=True))
    )
