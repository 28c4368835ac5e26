"""The figures that a report leads with, in plain words, counted from its rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from sourcebook.eval.report.document import ANSWERED, Report, Row


@dataclass(frozen=True, slots=True)
class Headline:
    """`count` of `total` questions, and whether more are better."""

    title: str
    count: int
    total: int
    more_is_better: bool = True

    @property
    def share(self) -> float:
        """The count as a share of the total."""
        return self.count / self.total


def headlines(report: Report) -> list[Headline]:
    """Six figures, and two of disagreements, without those that nothing was measured for."""
    return [each for each in _counted(report) if each.total]


def _counted(report: Report) -> Iterator[Headline]:
    rows = [row for row in report.questions if row.status is not None]
    answerable = [row for row in rows if row.answerable]
    spoken = [row for row in answerable if _answered(row)]
    others = [row for row in rows if not row.answerable]
    right = [row for row in spoken if row.measures.get(report.right_when, 0.0) > 0]
    yield Headline("Answered rightly", len(right), len(answerable))
    false = [row for row in others if _answered(row)]
    yield Headline("Wrongly answered near misses", len(false), len(others), more_is_better=False)
    yield _measured("Gold quote in the first evidence shown", report, "EvidenceFirst")
    given = [row for row in rows if row.measures.get("ShortGiven", 0.0) > 0]
    short = [row for row in given if row.measures.get("ShortRight", 0.0) > 0]
    yield Headline("Short answers right, of those given", len(short), len(given))
    yield _measured("Right article first", report, "Success@1")
    wanted, shown, stated = (
        sum(row.measures.get(f"Disagreement{name}", 0.0) > 0 for row in rows)
        for name in ("Wanted", "Shown", "Right")
    )
    yield Headline("Disagreements shown, of those there are", stated, wanted)
    yield Headline("Disagreements right, of those shown", stated, shown)
    silent = len(answerable) - len(spoken)
    yield Headline("Silent where an answer exists", silent, len(answerable), more_is_better=False)


def _answered(row: Row) -> bool:
    return row.status in ANSWERED


def _measured(title: str, report: Report, measure: str) -> Headline:
    values = report.values(measure).values()
    return Headline(title, sum(value > 0 for value in values), len(values))
