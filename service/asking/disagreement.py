"""Disagreements: what sources say differently of one subject, side by side and never resolved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.contradictions import Contradiction, DifferenceKind


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

    `matter` names the subject, in words of the question or of the sources.
    """

    matter: str
    kind: DifferenceKind
    sides: tuple[Side, ...]

    def __post_init__(self) -> None:
        if len({side.value for side in self.sides}) < 2:
            raise ValueError("a disagreement needs at least two sides that say different things")


def side_by_side(
    found: Iterable[Contradiction], citations: Sequence[Citation]
) -> tuple[Disagreement, ...]:
    """The contradictions with their citations; sides without a citation are left out.

    Sides without a date come last.
    """
    disagreements = []
    for each in found:
        cited = [(said, citation) for said in each.sides if (citation := said.among(citations))]
        sides = [
            Side(said.value, said.statement.text, at.number, at.article.metadata.published)
            for said, at in cited
        ]
        if len({side.value for side in sides}) > 1:
            sides.sort(key=lambda side: side.published or "9999")
            disagreements.append(Disagreement(each.subject, each.kind, tuple(sides)))
    return tuple(disagreements)
