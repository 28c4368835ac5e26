"""The stage `read`: a model sees the question and a passage together, and puts hits in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sourcebook.index.encoding.reader import Reader
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit, Ranking, own_hits

Read = Callable[[Query, Ranking], Ranking]


def no_reader(query: Query, ranking: Ranking) -> Ranking:
    """The ranking as it is: no model reads."""
    return ranking


@dataclass(frozen=True, slots=True)
class ReadHits:
    """Reads the best `count` hits and the best of each source that is asked.

    Where none of these rather answers, it reads the next `count`. A unit of the logit adds `order`
    to a hit's score. How many are read never depends on load, so that equal questions get equal
    answers.
    """

    reader: Reader
    count: int
    order: float

    def __call__(self, query: Query, ranking: Ranking) -> Ranking:
        """The ranking with readings of its best hits, and those in their new order."""
        # Each source that is asked is read, however far behind its best hit is.
        own = {hit.candidate.row for hit in own_hits(query, ranking.hits)}
        best, rest = list(ranking.hits[: self.count]), list[Hit]()
        for hit in ranking.hits[self.count :]:
            (best if hit.candidate.row in own else rest).append(hit)
        read = self._read(query, best)
        if not any(hit.answers for hit in read):
            read += self._read(query, rest[: self.count])
            rest = rest[self.count :]
        # Hits that were not read stay behind those that were, whatever their scores.
        read.sort(key=lambda hit: (-hit.score, hit.candidate.row))
        return replace(ranking, hits=(*read, *rest))

    def _read(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        return [
            replace(hit, score=hit.score + self.order * hit.reading.logit)
            for hit in read_hits(self.reader, query, hits)
            if hit.reading
        ]


def read_hits(reader: Reader, query: Query, hits: Sequence[Hit]) -> list[Hit]:
    """The hits, each with its reading."""
    found = reader.read(query.matched, [(context_of(hit), hit.passage.text) for hit in hits])
    return [replace(hit, reading=reading) for hit, reading in zip(hits, found, strict=True)]


def context_of(hit: Hit) -> str:
    """Where the passage stands: the title of its article and what stands above it."""
    return ". ".join(part for part in (hit.article.metadata.title, *hit.passage.above) if part)
