"""The stage `compare`: where independent articles answer a question with different values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sourcebook.index.encoding.reader import Reader
from sourcebook.index.search.view import LibraryView
from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.decide import Decision
from sourcebook.service.asking.disagreement import Contradiction
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import COLLAPSED, Hit, Ranking, shingles
from sourcebook.service.asking.read import read_hits
from sourcebook.service.asking.statements import differ, statement_of

Compare = Callable[[Query, Ranking, Decision, LibraryView], Contradiction | None]


def no_comparison(
    query: Query, ranking: Ranking, decision: Decision, view: LibraryView
) -> Contradiction | None:
    """Nothing: where no model reads, no article is known to answer."""
    return None


@dataclass(frozen=True, slots=True)
class CompareRead:
    """Compares what the reader finds in different articles, at most `further` of them read for it.

    How many are read never depends on load, so that equal questions get equal answers.
    """

    reader: Reader
    further: int

    def __call__(
        self, query: Query, ranking: Ranking, decision: Decision, view: LibraryView
    ) -> Contradiction | None:
        """The different answers, best first; None without an answer or where none differ.

        The best hit has to answer with a number or a date. Near copies of an article that differ
        in the sentence that answers are articles of their own.
        """
        best = decision.quoted[0] if decision.status is Status.ANSWERED else None
        if best is None or statement_of(query, best) is None:
            return None
        further = islice(self._unread(best, ranking, view), self.further)
        read = [each for each in ranking.hits if each.reading]
        read += read_hits(self.reader, query, tuple(further))
        answers: dict[str, Hit] = {}
        for hit in read:
            if statement_of(query, hit):
                answers.setdefault(hit.article.id, hit)
        said = [found for hit in answers.values() if (found := statement_of(query, hit))]
        sides = tuple(one for one in said if any(differ(one, other) for other in said))
        return Contradiction(query.text, sides[0].kind, sides) if sides else None

    def _unread(self, best: Hit, ranking: Ranking, view: LibraryView) -> Iterator[Hit]:
        """Other versions of the best hit, then the best hit of each article that was not read."""
        yield from _versions(best, view)
        known = {each.article.id for each in ranking.hits if each.reading}
        for hit in ranking.hits[:COLLAPSED]:
            if hit.article.id not in known:
                known.add(hit.article.id)
                yield hit


def _versions(hit: Hit, view: LibraryView) -> Iterator[Hit]:
    """The hit in near copies of its article that do not hold the words that answer."""
    span = hit.read_span
    words = [
        hit.passage.text_of(each)
        for each in hit.passage.sentences
        if span and each.start < span.end and span.start < each.end
    ]
    texts = view.texts({record.id for record in hit.also})
    mine = shingles(hit.passage.text)
    for record in hit.also:
        if record.id in texts and not all(each in texts[record.id].text for each in words):
            passages = view.undamaged(view.passages(view.passage_rowids(record.rowid))).values()
            if passages:
                _, nearest = max(passages, key=lambda each: len(mine & shingles(each[1].text)))
                yield replace(hit, article=record, passage=nearest, also=(), reading=None)
