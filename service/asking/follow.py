"""Follows the hits of a question through the stages: where each was, and which one dropped it."""

from dataclasses import dataclass
from enum import StrEnum

from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.decide import MOST_CITED
from sourcebook.service.asking.rank import Hit, Ranking


class Stage(StrEnum):
    """Where a wrong answer or a silence comes from, in the order in which a question passes."""

    LIBRARY = "library"
    SEARCH = "search"
    RANKING = "ranking"
    READING = "reading"
    DECISION = "decision"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Followed:
    """A hit, followed through the stages.

    `score` and `rank` are its score and its place after ranking, `place` is that after reading;
    places count from 1. `dropped` is the stage that kept it out of the answer, None for a hit that
    is cited.
    """

    hit: Hit
    score: float
    rank: int
    place: int
    dropped: Stage | None


def follow(ranked: Ranking, read: Ranking, answer: Answer) -> tuple[Followed, ...]:
    """Every hit of `ranked` in its last order.

    `read` is the ranking that the answer was decided on: the best hits of `ranked`, or all.
    """
    before = {hit.candidate.row: (hit.score, rank) for rank, hit in enumerate(ranked.hits, 1)}
    looked_at = {hit.candidate.row for hit in read.hits}
    rest = [hit for hit in ranked.hits if hit.candidate.row not in looked_at]
    cited = {citation.passage_id for citation in answer.citations}
    reading = any(hit.reading for hit in read.hits)
    return tuple(
        Followed(
            hit,
            *before[hit.candidate.row],
            place,
            None if hit.passage.id in cited else _dropped(hit, place, reading),
        )
        for place, hit in enumerate((*read.hits, *rest), 1)
    )


def _dropped(hit: Hit, place: int, reading: bool) -> Stage:
    """The stage that kept a hit out of the answer; `reading` says whether a reader was at work."""
    if hit.reading:
        refused = hit.reading.logit <= 0 or place > MOST_CITED
        return Stage.READING if refused else Stage.DECISION
    return Stage.RANKING if reading or place > MOST_CITED else Stage.DECISION
