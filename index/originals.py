"""Decides which of near copies is the original, which are copies, and which are versions."""

import heapq
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sourcebook.index.dates import latest_day
from sourcebook.index.differences import same_text
from sourcebook.index.duplicates import SAME, similarity
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import Writer

log = logging.getLogger(__name__)

# Under this key `meta` holds by which rules a library's copies were found. Rules of 1, which wrote
# nothing there, took for copies whatever resembled an older article.
KEY, RULES = "originals", 2
# With so many of the most similar originals an article's words are compared. Forms that are filled
# in again and again are alike, and none is a copy.
COMPARED = 4

# When an article was published, at the latest, and its row: rows are numbered as articles arrive.
Rank = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Near:
    """An article whose text is nearly that of another, with their similarity in [0, 1]."""

    rank: Rank
    similarity: float
    copy: bool  # of any article

    @property
    def row(self) -> int:
        """Its row number."""
        return self.rank[1]


def settle(writer: Writer, rows: Iterable[int]) -> None:
    """Decide anew of these articles, and of all that hangs on them, which are copies of which.

    Call it in a new generation, with an article that was added, replaced or given another date; and
    with the copies of one that was removed or replaced. An original was published before its
    copies or, where that is not known, arrived before them. A copy says what its original says, and
    what only one of both says. The passages that both have are searched in the original alone.
    """
    first = {*rows} | {copy for row in {*rows} for copy in writer.copies_of(row)}
    waiting = [(latest_day(writer.published(row)), row) for row in first]
    heapq.heapify(waiting)
    decided: set[int] = set()
    same = _Comparison(writer)
    while waiting:
        rank = heapq.heappop(waiting)
        row = rank[1]
        if row in decided:
            continue
        decided.add(row)
        before = writer.copy_of(row)
        near = near_copies(writer, row, rank)
        original = _original(same, row, [each for each in near if each.rank < rank])
        if row in first or original != before:
            writer.link(row, original)
        # Only an original can be that of others, and only of what comes after it.
        turned = (before is None) != (original is None)
        if turned or (row in first and original is None):
            for each in near:
                # An original that says otherwise than another one stays what it is.
                if each.rank > rank and (turned or each.copy or same(each.row, row)):
                    heapq.heappush(waiting, each.rank)


def near_copies(view: View, row: int, rank: Rank | None = None) -> list[Near]:
    """The articles whose texts are nearly that of this one, whatever they differ in.

    Where its `rank` is given, copies before it are left out.
    """
    mine = view.signature(row)
    return [
        Near(their_rank, alike, copy)
        for other, theirs, published, copy in view.sharing_bands(row)
        for their_rank in [(latest_day(published), other)]
        if not copy or rank is None or their_rank > rank
        if (alike := similarity(mine, theirs)) >= SAME
    ]


def _original(same: "_Comparison", row: int, near: list[Near]) -> int | None:
    """The most similar of these originals that says the same, if there is one."""
    nearest = sorted(near, key=lambda each: (-each.similarity, each.rank))[:COMPARED]
    return next((each.row for each in nearest if same(row, each.row)), None)


class _Comparison:
    """Tells whether the articles in two rows say the same; not where one of them is damaged."""

    def __init__(self, writer: Writer) -> None:
        """The last articles are kept: each is compared with several."""
        self._read = lru_cache(1 + COMPARED)(writer.article_in_row)

    def __call__(self, row: int, other: int) -> bool:
        mine, theirs = self._read(row), self._read(other)
        return bool(mine and theirs and same_text(mine, theirs))


def settle_all(writer: Writer) -> None:
    """Decide anew for a library in which an earlier release decided, by resemblance alone.

    Only what was a copy then, or had copies, can be decided otherwise now.
    """
    linked = writer.linked()
    if linked:
        log.info("finding out which of %s articles are copies", f"{len(linked):,}")
        writer.next_generation()
        settle(writer, linked)
    writer.set_meta(KEY, RULES)


def is_settled(view: View) -> bool:
    """Whether this release's rules decided of the library's copies, as far as it is known."""
    return bool(view.noted(KEY) == RULES)
