"""The stage `search`: candidates from both indexes."""

from dataclasses import dataclass

from sourcebook.index.search.candidates import Candidates
from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.query import Query


@dataclass(frozen=True, slots=True)
class Search:
    """Finds candidates; an index of which none are wanted is not asked."""

    dense_count: int
    lexical_count: int

    def __call__(
        self, query: Query, view: LibraryView, chosen: Filter | None, depth: int | None
    ) -> Candidates:
        """The best candidates of each index that is asked: `depth` of them, or more."""
        return view.search(
            query.matched,
            phrases=query.phrases,
            chosen=chosen,
            dense_count=_at_least(depth, self.dense_count),
            lexical_count=_at_least(depth, self.lexical_count),
            own=[each for source in query.asked_sources for each in source.filters],
        )


def _at_least(depth: int | None, count: int) -> int:
    return max(depth or 0, count) if count else 0
