"""The stage `read`: a model sees the question and a passage together, and puts hits in order."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sourcebook.index.encoding.reader import Reader
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit, Ranking

Read = Callable[[Query, Ranking], Ranking]


def no_reader(query: Query, ranking: Ranking) -> Ranking:
    """The ranking as it is: no model reads."""
    return ranking


@dataclass(frozen=True, slots=True)
class ReadHits:
    """Reads the best `count` hits; a unit of the logit adds `order` to a hit's score.

    How many are read never depends on load, so that equal questions get equal answers.
    """

    reader: Reader
    count: int
    order: float

    def __call__(self, query: Query, ranking: Ranking) -> Ranking:
        """The ranking with readings of its best hits, and those in their new order."""
        best = ranking.hits[: self.count]
        found = self.reader.read(query.text, [(context_of(hit), hit.passage.text) for hit in best])
        read = [
            replace(hit, reading=reading, score=hit.score + self.order * reading.logit)
            for hit, reading in zip(best, found, strict=True)
        ]
        # Hits that were not read stay behind those that were, whatever their scores.
        read.sort(key=lambda hit: (-hit.score, hit.candidate.row))
        return replace(ranking, hits=(*read, *ranking.hits[self.count :]))


def context_of(hit: Hit) -> str:
    """Where the passage stands: the title of its article and its headings."""
    return ". ".join(part for part in (hit.article.metadata.title, *hit.passage.headings) if part)
