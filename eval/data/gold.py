"""What a question wants and what a system returns: spans of articles, grades and rankings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sourcebook.index.errors import InputError

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""Query id -> document id -> grade; 0 is judged and not relevant, 1 or more relevant."""
Run: TypeAlias = Mapping[str, Sequence[str]]
"""Query id -> document ids, best first: the order is the ranking."""


@dataclass(frozen=True, slots=True)
class Span:
    """The characters `[start, end)` of one article's text, in Unicode code points."""

    article: str
    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse an empty or negative span."""
        if not 0 <= self.start < self.end:
            raise InputError(
                f"A span of {self.article!r} is [{self.start}, {self.end}); "
                "expected 0 <= start < end."
            )

    def contains(self, other: "Span") -> bool:
        """Whether `other` lies wholly inside this span."""
        return self.article == other.article and self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Span") -> bool:
        """Whether the two spans share at least one character."""
        return self.article == other.article and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Wanted:
    """The gold of one question: its pieces of evidence, each with every place that satisfies it.

    A piece has several places if its quote occurs more than once or has alternatives. It has none
    if the quote is no longer in its article, and then counts as never found. With `any`, one piece
    is enough; otherwise all are needed.
    """

    evidence: tuple[tuple[Span, ...], ...]
    any: bool = False

    def __post_init__(self) -> None:
        """Refuse gold that nothing can satisfy."""
        if not self.evidence:
            raise InputError("Gold without evidence; expected at least one quote or reference.")

    @property
    def places(self) -> tuple[Span, ...]:
        """Every place of every piece of evidence."""
        return tuple(place for places in self.evidence for place in places)
