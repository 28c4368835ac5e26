"""The stage `decide`: how sure the answer is, what is said of it, and which hits are quoted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
from sourcebook.service.asking.rank import Hit, Ranking
from sourcebook.service.asking.read import Reading
from sourcebook.service.asking.signals import NAMES, Signals, missing_entities, signals

# How many hits are quoted at most: in an answer, and as the nearest misses where there is none.
MOST_CITED, NEAREST = 4, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is said of a question, and the hits that are quoted for it.

    `confidence` is the estimated probability that the library holds the answer. `reason` says why
    there is none, and is given if and only if the status is `not_in_library`.
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
        readings: Sequence[Reading],
        view: LibraryView,
        chosen: Filter | None,
    ) -> Decision:
        """The decision on what was ranked of the articles that `chosen` lets through."""
        if not ranking.hits:  # dense search finds something in whatever is not empty
            return Decision(
                status=Status.NOT_IN_LIBRARY, confidence=0.0, quoted=(), reason=NOTHING_TO_SEARCH
            )
        best = ranking.hits[0]
        seen = signals(query, best, ranking.weights)
        confidence = confidence_of(self.calibration, seen)
        status = self.status(confidence)
        if status is not Status.NOT_IN_LIBRARY:
            quoted = worth_quoting(ranking.hits, self.near_best)
            return Decision(status=status, confidence=confidence, quoted=quoted)
        return Decision(
            status=status,
            confidence=confidence,
            quoted=ranking.hits[:NEAREST],
            reason=self._reason(query, seen, best, view, chosen),
        )

    def status(self, confidence: float) -> Status:
        """What that much confidence allows to say."""
        if confidence >= self.calibration.answered:
            return Status.ANSWERED
        partial = confidence >= self.calibration.partial
        return Status.PARTIAL if partial else Status.NOT_IN_LIBRARY

    def _reason(
        self, query: Query, seen: Signals, best: Hit, view: LibraryView, chosen: Filter | None
    ) -> str:
        """Why there is no answer, machine-readable."""
        if probability(self.calibration.relevant, seen) < 0.5:
            return NOTHING_RELEVANT
        held = view.held({word.stem for word in query.words}, chosen)
        missing = missing_entities(query, best, held, self.calibration.unsaid)
        return f"{ENTITY_MISSING}:{missing[0]}" if missing else DETAIL_MISSING


def worth_quoting(hits: Sequence[Hit], near_best: float) -> tuple[Hit, ...]:
    """The best hit and those that come close to it, at most four."""
    return tuple(hit for hit in hits[:MOST_CITED] if hit.score >= near_best * hits[0].score)


def confidence_of(calibration: Calibration, seen: Signals) -> float:
    """The probability that the best hit answers the question."""
    return probability(calibration.relevant, seen) * probability(calibration.detailed, seen)


def probability(model: Logistic, seen: Signals) -> float:
    """What a logistic model makes of the signals."""
    weighted = (weight * getattr(seen, name) for name, weight in model.weights.items())
    return 1 / (1 + math.exp(-model.intercept - sum(weighted)))
