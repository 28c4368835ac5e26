"""The stage `decide`: how sure the answer is, what is said of it, and which hits are quoted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sourcebook.index.profile import Calibration, Logistic
from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import (
    DETAIL_MISSING,
    ENTITY_MISSING,
    NOTHING_RELEVANT,
    NOTHING_TO_SEARCH,
    Status,
)
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit, Ranking, own_hits
from sourcebook.service.asking.signals import NAMES, Signals, missing_entities, signals

# How many hits are quoted at most: in an answer, and as the nearest misses where there is none.
MOST_CITED, NEAREST = 4, 3
# From this probability on, something is near. It is low, because "nothing comes near" misleads more
# than "related" does: all near misses of the dev questions reach it, and one in twenty questions on
# other subjects does (docs/decisions/0020-reading.md).
RELATED = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is said of a question, and the hits that are quoted for it.

    `confidence` is the estimated probability that the library holds the answer. `reason` says why
    there is none, and is given if and only if the status is not `answered`.
    """

    status: Status
    confidence: float
    quoted: tuple[Hit, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """Decides by two logistic models over signals of the best hit.

    A hit is quoted when it scores at least `near_best` of the best one's score. Raises
    `ValueError` for models of what is no signal.
    """

    calibration: Calibration
    near_best: float

    def __post_init__(self) -> None:
        for model in (self.calibration.relevant, self.calibration.detailed):
            if unknown := set(model.weights) - set(NAMES):
                raise ValueError(f"there are no signals {sorted(unknown)}; there are {NAMES}")

    def __call__(
        self,
        query: Query,
        ranking: Ranking,
        view: LibraryView,
        chosen: Filter | None,
    ) -> Decision:
        """The decision on what was ranked of the articles that `chosen` lets through."""
        if not ranking.hits:  # dense search finds something in whatever is not empty
            return Decision(
                status=Status.NOT_IN_LIBRARY, confidence=0.0, quoted=(), reason=NOTHING_TO_SEARCH
            )
        seen = signals(query, ranking)
        confidence = confidence_of(self.calibration, seen)
        if confidence >= self.calibration.answered:
            quoted = self._with_own(query, ranking, worth_quoting(ranking.hits, self.near_best))
            return Decision(status=Status.ANSWERED, confidence=confidence, quoted=quoted)
        related = probability(self.calibration.relevant, seen) >= RELATED
        best = ranking.hits[0]
        return Decision(
            status=Status.RELATED if related else Status.NOT_IN_LIBRARY,
            confidence=confidence,
            quoted=ranking.hits[:NEAREST],
            reason=self._missing(query, best, view, chosen) if related else NOTHING_RELEVANT,
        )

    def _with_own(self, query: Query, ranking: Ranking, quoted: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """The hits, and the best of each source that is asked, where it would answer alone."""
        shown = {hit.candidate.row for hit in quoted}
        asked = query.asked_sources
        heard = {s for s in asked for hit in quoted if s.speaks_in(hit.article.metadata)}
        own = own_hits(
            replace(query, sources=tuple(s for s in asked if s not in heard)), ranking.hits
        )
        return (
            *quoted,
            *(
                hit
                for hit in own
                if hit.candidate.row not in shown and self._answers(query, hit, ranking)
            ),
        )

    def _answers(self, query: Query, hit: Hit, ranking: Ranking) -> bool:
        alone = replace(ranking, hits=(hit,))
        return confidence_of(self.calibration, signals(query, alone)) >= self.calibration.answered

    def _missing(self, query: Query, best: Hit, view: LibraryView, chosen: Filter | None) -> str:
        """What is missing in articles on the question's subject, machine-readable."""
        held = view.held({word.text for word in query.words}, chosen)
        missing = missing_entities(query, best, held, self.calibration.unsaid)
        return f"{ENTITY_MISSING}:{missing[0]}" if missing else DETAIL_MISSING


def worth_quoting(hits: Sequence[Hit], near_best: float) -> tuple[Hit, ...]:
    """The best hit and those that come close to it, at most four.

    Of hits that were read, only those count that rather answer the question than not.
    """
    return tuple(
        hit
        for place, hit in enumerate(hits[:MOST_CITED])
        if place == 0
        or (hit.score >= near_best * hits[0].score and (hit.answers or not hit.reading))
    )


def confidence_of(calibration: Calibration, seen: Signals) -> float:
    """The probability that the best hit answers the question."""
    return probability(calibration.relevant, seen) * probability(calibration.detailed, seen)


def probability(model: Logistic, seen: Signals) -> float:
    """What a logistic model makes of the signals."""
    weighted = (weight * getattr(seen, name) for name, weight in model.weights.items())
    return 1 / (1 + math.exp(-model.intercept - sum(weighted)))
