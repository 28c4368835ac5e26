"""The stage `read`: a model sees the question and a passage together, and puts hits in order."""

from collections.abc import Callable, Sequence
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
    """Reads the best `count` hits, and the next `count` where none of them rather answers.

    A unit of the logit adds `order` to a hit's score. How many are read never depends on load, so
    that equal questions get equal answers.
    """

    reader: Reader
    count: int
    order: float

    def __call__(self, query: Query, ranking: Ranking) -> Ranking:
        """The ranking with readings of its best hits, and those in their new order."""
        read = self._read(query, ranking.hits[: self.count])
        if not any(hit.answers for hit in read):
            read += self._read(query, ranking.hits[self.count : 2 * self.count])
        # Hits that were not read stay behind those that were, whatever their scores.
        unread = ranking.hits[len(read) :]
        read.sort(key=lambda hit: (-hit.score, hit.candidate.row))
        return replace(ranking, hits=(*read, *unread))

    def _read(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        found = self.reader.read(query.text, [(context_of(hit), hit.passage.text) for hit in hits])
        return [
            replace(hit, reading=reading, score=hit.score + self.order * reading.logit)
            for hit, reading in zip(hits, found, strict=True)
        ]


def context_of(hit: Hit) -> str:
    """Where the passage stands: the title of its article and its headings."""
    return ". ".join(part for part in (hit.article.metadata.title, *hit.passage.headings) if part)
