"""Disagreements: what sources say differently of one subject, side by side and never resolved."""

from collections.abc import Sequence
from dataclasses import dataclass

from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.statements import DifferenceKind, Statement


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What independent articles answer to the question `matter`, in the order of their rank."""

    matter: str
    kind: DifferenceKind
    sides: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """What one source says: the words that differ, their sentence, and its citation's number."""

    value: str
    text: str
    citation: int
    published: str | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What sources say differently, by date of publication; never resolved.

    `matter` is the question that they answer.
    """

    matter: str
    kind: DifferenceKind
    sides: tuple[Side, ...]

    def __post_init__(self) -> None:
        if len({side.value for side in self.sides}) < 2:
            raise ValueError("a disagreement needs at least two sides that say different things")


def side_by_side(found: Contradiction, citations: Sequence[Citation]) -> Disagreement:
    """The contradiction, each side with the citation that quotes it; those without a date last."""
    sides = [
        Side(said.value, said.text, at.number, at.article.metadata.published)
        for said in found.sides
        if (at := said.among(citations))
    ]
    sides.sort(key=lambda side: side.published or "9999")
    return Disagreement(found.matter, found.kind, tuple(sides))
