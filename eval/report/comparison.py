"""Reports on the same questions, compared question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sourcebook.eval.data.dataclass_json import to_json
from sourcebook.eval.measures.statistics import Interval, holm, paired_test
from sourcebook.eval.report.document import Report
from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True)
class Pair:
    """One measure in two runs: `difference` is second minus first; wins are the second run's.

    `p` is from the paired randomisation test, `corrected` is p after Holm's correction over all
    pairs of runs that are compared on this measure.
    """

    measure: str
    first: str
    second: str
    difference: float
    p: float
    corrected: float
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs on the same questions.

    `measures` is measure -> one interval per run, `by_type` question type -> measure -> one
    interval per run, both in the order of `names`.
    """

    names: tuple[str, ...]
    measures: Mapping[str, tuple[Interval, ...]]
    by_type: Mapping[str, Mapping[str, tuple[Interval, ...]]]
    pairs: tuple[Pair, ...]

    def to_json(self) -> str:
        """The JSON document, with a line break at the end."""
        return to_json(self)


def compare(reports: Sequence[Report]) -> Comparison:
    """Compare two or more reports on the measures that all of them have.

    Questions are matched by id. Equal names are numbered. Raises InputError for fewer than two
    reports, for different questions, and if no measure is shared.
    """
    if len(reports) < 2:
        raise InputError(f"{len(reports)} report to compare; expected at least two.")
    names = _labels([report.name for report in reports])
    _refuse_other_questions(reports, names)
    shared = [each for each in reports[0].measures if all(each in r.measures for r in reports)]
    if not shared:
        raise InputError(f"{', '.join(names)} share no measure; expected at least one.")
    return Comparison(
        names=names,
        measures={each: tuple(r.measures[each] for r in reports) for each in shared},
        by_type=_types_side_by_side(reports, shared),
        pairs=tuple(pair for each in shared for pair in _pairs(reports, names, each)),
    )


def _labels(names: Sequence[str]) -> tuple[str, ...]:
    """The names, the second of its kind as `name (2)` and so on."""
    labels: list[str] = []
    for name in names:
        count = 2
        label = name
        while label in labels:
            label, count = f"{name} ({count})", count + 1
        labels.append(label)
    return tuple(labels)


def _refuse_other_questions(reports: Sequence[Report], names: Sequence[str]) -> None:
    first = {row.id for row in reports[0].questions}
    for report, name in zip(reports, names, strict=True):
        odd = first ^ {row.id for row in report.questions}
        if odd:
            raise InputError(
                f"{names[0]!r} and {name!r} differ in {len(odd)} questions, {min(odd)!r} among "
                "them; expected the same questions.",
                cure="Run both on the same data, split and limit.",
            )


def _types_side_by_side(
    reports: Sequence[Report], shared: Sequence[str]
) -> dict[str, dict[str, tuple[Interval, ...]]]:
    return {
        kind: {
            each: tuple(report.by_type[kind][each] for report in reports)
            for each in shared
            if all(each in report.by_type.get(kind, {}) for report in reports)
        }
        for kind in reports[0].by_type
    }


def _pairs(reports: Sequence[Report], names: Sequence[str], measure: str) -> list[Pair]:
    tests = [
        (
            names[one],
            names[other],
            paired_test(*paired_values(reports[one], reports[other], measure)),
        )
        for one, other in combinations(range(len(reports)), 2)
    ]
    corrected = holm([test.p for _, _, test in tests])
    return [
        Pair(measure, first, second, t.difference, t.p, p, t.wins, t.losses, t.ties)
        for (first, second, t), p in zip(tests, corrected, strict=True)
    ]


def paired_values(first: Report, second: Report, measure: str) -> tuple[list[float], list[float]]:
    """The values of one measure in two reports, both in the order of the question ids."""
    values = [report.values(measure) for report in (first, second)]
    ids = sorted(values[0].keys() | values[1].keys())
    one, other = ([side.get(each, 0.0) for each in ids] for side in values)
    return one, other
