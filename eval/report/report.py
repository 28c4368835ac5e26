"""A report: one JSON document that holds everything, compared question by question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from sourcebook.eval.data.document import decode, encode
from sourcebook.eval.data.judged import MissingGold, Quote
from sourcebook.eval.data.records import json_object, read_text
from sourcebook.eval.measures.measures import Abstention, Decision, measure_abstention
from sourcebook.eval.measures.statistics import Interval, bootstrap, by_type, holm, paired_test
from sourcebook.index.errors import InputError

SCHEMA = 1
ANSWERED = ("answered", "partial")
STATUSES = (*ANSWERED, "not_in_library")


@dataclass(frozen=True, slots=True)
class Found:
    """One ranked passage or document; `text` is `[start, end)` of the article, in code points."""

    article: str
    title: str = ""
    start: int = 0
    end: int = 0
    text: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What happened to one question.

    `measures` are by name, `seconds` by stage. `confidence` and `status` are None where a method
    ranks without answering. `found` is in rank order and may be cut short to keep a report small.
    `problem` says why the question was refused, if it was.
    """

    id: str
    question: str
    type: str = ""
    answerable: bool = True
    measures: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    status: str | None = None
    found: tuple[Found, ...] = ()
    wanted: tuple[Quote, ...] = ()
    problem: str = ""

    def __post_init__(self) -> None:
        """Refuse figures that no mean can be taken of, and a status that nobody knows."""
        numbers = [*self.measures.values(), *self.seconds.values(), self.confidence or 0.0]
        if not all(map(math.isfinite, numbers)):
            raise InputError(f"Question {self.id!r} has a figure that is NaN or infinite.")
        if self.status is not None and self.status not in STATUSES:
            raise InputError(
                f"Question {self.id!r} has status {self.status!r}; "
                f"expected one of {', '.join(STATUSES)}."
            )


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that one stage took, over `n` questions."""

    mean: float
    median: float
    p95: float
    max: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One method on one data set; made by `build_report` and read back by `load_report`.

    `by_type` is question type -> measure -> interval. `abstention` is None where the method does
    not answer; an answer counts as right where the measure `right_when` is above 0, and
    `threshold` is the confidence from which the method answers. `fingerprint` and `machine` hold
    whatever JSON identifies library, settings, code and computer, `cost` what index and run took.
    """

    schema: int = SCHEMA
    name: str
    data: str
    method: str
    created: str
    measures: Mapping[str, Interval]
    by_type: Mapping[str, Mapping[str, Interval]]
    questions: tuple[Row, ...]
    abstention: Abstention | None = None
    right_when: str = ""
    threshold: float | None = None
    latency: Mapping[str, Latency]
    fingerprint: Mapping[str, Any]
    machine: Mapping[str, Any]
    cost: Mapping[str, Any] = field(default_factory=dict)
    missing_gold: tuple[MissingGold, ...] = ()

    def __post_init__(self) -> None:
        """Refuse headline figures that the rows do not bear out."""
        if self.schema != SCHEMA:
            raise InputError(f"The report has schema {self.schema}; expected {SCHEMA}.")
        _refuse_duplicates([row.id for row in self.questions])
        for name, interval in self.measures.items():
            values = list(self.values(name).values())
            if len(values) != interval.n or not math.isclose(
                np.mean(values), interval.mean, abs_tol=1e-9
            ):
                raise InputError(f"The mean of {name!r} is not that of the questions' values.")

    def values(self, measure: str) -> dict[str, float]:
        """Question id -> value of one measure; see `build_report` for the rule on absent values."""
        return _values(self.questions, measure)

    def to_json(self) -> str:
        """The JSON document, ended by a line break."""
        return encode(self)


def _refuse_duplicates(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise InputError(f"The question id {each!r} is used twice; expected unique ids.")
        seen.add(each)


def _values(rows: Sequence[Row], measure: str) -> dict[str, float]:
    """An answerable question without a value counts as 0 if any answerable one has a value."""
    asked = any(row.answerable and measure in row.measures for row in rows)
    return {
        row.id: row.measures.get(measure, 0.0)
        for row in rows
        if measure in row.measures or (asked and row.answerable)
    }


def build_report(
    *,
    name: str,
    data: str,
    method: str,
    questions: Sequence[Row],
    missing_gold: Sequence[MissingGold] = (),
    fingerprint: Mapping[str, Any] | None = None,
    machine: Mapping[str, Any] | None = None,
    cost: Mapping[str, Any] | None = None,
    right_when: str = "",
    threshold: float | None = None,
    created: str | None = None,
) -> Report:
    """Compute means, intervals, types, silence and latency from rows, one per question.

    A measure is averaged over the questions that have it; an answerable question without it counts
    as 0 if any answerable question has it, so that a method cannot gain by failing. Abstention is
    measured where `right_when` names a measure and every row has a confidence and a status.
    `created` is ISO 8601, now by default. Raises InputError for no rows and for duplicate ids.
    """
    if not questions:
        raise InputError("No questions; expected at least one.")
    rows = tuple(questions)
    _refuse_duplicates([row.id for row in rows])
    values = {each: _values(rows, each) for each in _names([row.measures for row in rows])}
    return Report(
        name=name,
        data=data,
        method=method,
        created=created or datetime.now(UTC).isoformat(timespec="seconds"),
        measures={each: bootstrap(list(by_id.values())) for each, by_id in values.items()},
        by_type=_by_type(rows, values),
        questions=rows,
        abstention=_abstention(rows, right_when),
        right_when=right_when,
        threshold=threshold,
        latency=_latency(rows),
        fingerprint=dict(fingerprint or {}),
        machine=dict(machine or {}),
        cost=dict(cost or {}),
        missing_gold=tuple(missing_gold),
    )


def _names(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of all mappings, each once, in order of first appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def _by_type(
    rows: Sequence[Row], values: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Interval]]:
    kinds = {row.id: row.type for row in rows}
    grouped: dict[str, dict[str, Interval]] = {each: {} for each in sorted(set(kinds.values()))}
    for measure, by_id in values.items():
        for kind, interval in by_type(by_id, kinds).items():
            grouped[kind][measure] = interval
    return {kind: measures for kind, measures in grouped.items() if measures}


def _abstention(rows: Sequence[Row], right_when: str) -> Abstention | None:
    decisions = [
        Decision(
            confidence=row.confidence,
            answered=row.status in ANSWERED,
            answerable=row.answerable,
            right=row.answerable
            and row.status in ANSWERED
            and row.measures.get(right_when, 0.0) > 0,
        )
        for row in rows
        if row.confidence is not None and row.status is not None
    ]
    complete = right_when and len(decisions) == len(rows)
    return measure_abstention(decisions) if complete else None


def _latency(rows: Sequence[Row]) -> dict[str, Latency]:
    stages = {}
    for stage in _names([row.seconds for row in rows]):
        seconds = np.array([row.seconds[stage] for row in rows if stage in row.seconds])
        median, p95 = np.quantile(seconds, [0.5, 0.95])
        stages[stage] = Latency(
            float(seconds.mean()), float(median), float(p95), float(seconds.max()), len(seconds)
        )
    return stages


def save_report(report: Report, path: Path) -> None:
    """Write the report's JSON."""
    path.write_text(report.to_json(), encoding="utf-8")


def load_report(path: Path) -> Report:
    """Read a report back. Raises InputError, file named, where it is damaged or something else."""
    row = json_object(read_text(path), str(path))
    try:
        if row.get("schema") != SCHEMA:
            raise InputError(f"schema is {row.get('schema')!r}; expected {SCHEMA}.")
        return decode(Report, row, "report")
    except InputError as error:
        raise InputError(f"{path} is no report: {error.message}") from error


@dataclass(frozen=True, slots=True)
class Pair:
    """One measure in two runs: `difference` is second minus first; wins are the second run's.

    `p` is that of the paired randomisation test, `corrected` the same after Holm's correction over
    all pairs of runs compared on this measure.
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
        """The JSON document, ended by a line break."""
        return encode(self)


def compare(reports: Sequence[Report]) -> Comparison:
    """Compare two or more reports on the measures that all of them have.

    Questions are matched by id. Equal names are numbered. Raises InputError for fewer than two
    reports, for different questions, and where no measure is shared.
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
    """One measure's values in two reports, side by side in the order of the questions' ids."""
    values = [report.values(measure) for report in (first, second)]
    ids = sorted(values[0].keys() | values[1].keys())
    one, other = ([side.get(each, 0.0) for each in ids] for side in values)
    return one, other
