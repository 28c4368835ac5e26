"""The stage `compare`: where articles answer a question with different values."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import islice

from sourcebook.index.encoding.reader import Reader
from sourcebook.index.profile import EvidenceThresholds
from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.decide import Decision
from sourcebook.service.asking.disagreement import Contradiction
from sourcebook.service.asking.evidence import evidence
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import COLLAPSED, Hit, Ranking
from sourcebook.service.asking.read import read_hits
from sourcebook.service.asking.statements import differ, statement_of
from sourcebook.service.asking.versions import versions_of

# A side that answers less surely than the best hit by so much of the reader's logit answers
# something else: judged sides (dev) differ by 2.4 at most, the date of a neighbour (a test) by 3.3.
LESS_SURE = 3.0


@dataclass(frozen=True, slots=True)
class Compare:
    """Compares what answers: with versions of its article, and with other articles.

    Others are compared where a `reader` reads; it reads at most `further` hits for it. How many
    never depends on load, so that equal questions get equal answers.
    """

    thresholds: EvidenceThresholds
    reader: Reader | None
    further: int

    def __call__(
        self,
        query: Query,
        ranking: Ranking,
        decision: Decision,
        view: LibraryView,
        chosen: Filter | None,
    ) -> tuple[Contradiction, ...]:
        """The different answers, those of versions first; none without an answer."""
        if decision.status is not Status.ANSWERED:
            return ()
        best = decision.quoted[0]
        span = evidence(best, ranking.weights, query.wanted, self.thresholds, query.words)
        found = versions_of(best, span, ranking.hits, view, chosen)
        # Of versions only the last one speaks for the article.
        older = found.older if found else frozenset[str]()
        last = [found.said[0].hit] if found and found.said[0].hit is not best else []
        independent = self._independent(query, best, ranking, last, older)
        versions = found and Contradiction(
            query.text, found.kind, found.sides, versions=True, older=found.said[1:]
        )
        return tuple(each for each in (versions, independent) if each)

    def _independent(
        self, query: Query, best: Hit, ranking: Ranking, last: list[Hit], older: Set[str]
    ) -> Contradiction | None:
        """What different articles answer; None where none differ.

        The best hit has to answer with a number or a date. `last` are read before others, and the
        articles `older` are left out.
        """
        if self.reader is None or statement_of(query, best) is None:
            return None
        read = [each for each in ranking.hits if each.reading]
        known = {each.article.id for each in read}
        unread = [hit for hit in last if hit.article.id not in known]
        further = islice([*unread, *_others(ranking, known)], self.further)
        answers: dict[str, Hit] = {}
        for hit in (*read, *read_hits(self.reader, query, tuple(further))):
            if hit.article.id not in older and statement_of(query, hit):
                answers.setdefault(hit.article.id, hit)
        least = best.reading.logit - LESS_SURE if best.reading else 0.0
        said = [
            found
            for hit in answers.values()
            if hit.reading and hit.reading.logit > least
            if (found := statement_of(query, hit))
        ]
        sides = tuple(one for one in said if any(differ(one, other) for other in said))
        return Contradiction(query.text, sides[0].kind, sides) if sides else None


def _others(ranking: Ranking, known: set[str]) -> Iterator[Hit]:
    """The best hit of each article that was not read; `known` are those that were."""
    for hit in ranking.hits[:COLLAPSED]:
        if hit.article.id not in known:
            known.add(hit.article.id)
            yield hit
