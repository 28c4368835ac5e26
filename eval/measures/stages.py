"""The stage at which a question was missed: where the passage that answers it was lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.service.asking.follow import Stage

ORDER = tuple(Stage)


@dataclass(frozen=True, slots=True)
class Trace:
    """A passage that search found, the stage that dropped it, and the reader's verdict.

    `dropped` is empty if it is cited; `logit` is None if it was not read.
    """

    article: str
    start: int
    end: int
    dropped: str = ""
    logit: float | None = None

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.article, self.start, self.end)


def missed_at(traces: Sequence[Trace], cited: Sequence[Span], wanted: Wanted) -> Stage | None:
    """Where gold quotes were lost; None if every needed one is cited.

    As for `CitationRecall`, whatever overlaps a gold quote holds it. A quote was lost where the
    passage that came furthest was dropped: in the library if no article has it, by search if no
    passage found holds it, as evidence if such a passage is cited, but with other sentences. If
    all quotes are needed, the first loss counts; if one is enough, the last.
    """
    losses = [_lost_at(places, traces, cited) for places in wanted.evidence]
    lost = [stage for stage in losses if stage is not None]
    if not lost or (wanted.any and len(lost) < len(losses)):
        return None
    return (max if wanted.any else min)(lost, key=ORDER.index)


def _lost_at(
    places: Sequence[Span], traces: Sequence[Trace], cited: Sequence[Span]
) -> Stage | None:
    """Where one quote was lost, which may stand in any of these places."""
    if not places:
        return Stage.LIBRARY
    if any(each.overlaps(place) for each in cited for place in places):
        return None
    holding = [each for each in traces if any(each.span.overlaps(place) for place in places)]
    stages = [Stage(each.dropped) if each.dropped else Stage.EVIDENCE for each in holding]
    return max(stages, key=ORDER.index, default=Stage.SEARCH)


def answered_at(traces: Sequence[Trace]) -> Stage:
    """Where the answer to an unanswerable question comes from.

    Reading if the reader took a cited passage for an answer, otherwise the decision.
    """
    fooled = any(not each.dropped and each.logit is not None and each.logit > 0 for each in traces)
    return Stage.READING if fooled else Stage.DECISION
