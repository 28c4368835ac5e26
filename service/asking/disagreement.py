"""Disagreements: what sources, or versions of one article, say differently, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from sourcebook.index.dates import latest_day
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.statements import DifferenceKind, Statement


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What articles answer differently to the question `matter`, in the order of their rank.

    They are independent, or `versions` of one article: then the first is the correction, or the
    last version, and `older` is what all others say, shown as a side or not.
    """

    matter: str
    kind: DifferenceKind
    sides: tuple[Statement, ...]
    versions: bool = False
    older: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """What one source says: the words that differ, their sentence, and its citation's number."""

    value: str
    text: str
    citation: int
    published: str | None
    modified: str | None = None

    @property
    def day(self) -> str:
        """When it was said last: published or modified, or empty where neither is known."""
        return max(self.published or "", self.modified or "")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What sources say differently, by date of publication: none of them is taken for right.

    `matter` is the question that they answer. Of `versions` of one article the correction comes
    first, or the last version, and it answers.
    """

    matter: str
    kind: DifferenceKind
    sides: tuple[Side, ...]
    versions: bool = False

    @property
    def heading(self) -> str:
        """What it is, as people say it."""
        return "Versions of one article differ" if self.versions else "Sources disagree"

    def __post_init__(self) -> None:
        if len({side.value for side in self.sides}) < 2:
            raise ValueError("a disagreement needs at least two sides that say different things")


def dated(published: str | None, modified: str | None) -> str:
    """When something was said, as people read it: with the day on which it was changed."""
    if not published or not modified or modified <= published:
        return published or modified or "no date"
    return f"{published}, changed {modified}"


def side_by_side(found: Contradiction, citations: Sequence[Citation]) -> Disagreement:
    """The contradiction, each side with the citation that quotes it; those without a date last."""
    sides = [
        Side(said.value, said.text, at.number, known.published, known.modified)
        for said in found.sides
        if (at := said.among(citations))
        for known in [at.article.metadata]
    ]
    if not found.versions:
        sides.sort(key=lambda side: latest_day(side.published))
    return Disagreement(found.matter, found.kind, tuple(sides), found.versions)
