"""A report: one JSON document with everything about one run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from sourcebook.eval.data.dataclass_json import from_json, to_json
from sourcebook.eval.data.files import json_object, load_text
from sourcebook.eval.data.judged import MissingGold, Quote
from sourcebook.eval.measures.abstention import Abstention, Decision, measure_abstention
from sourcebook.eval.measures.statistics import Interval, bootstrap, by_type
from sourcebook.index.errors import InputError

SCHEMA = 1
ANSWERED = ("answered",)
STATUSES = (*ANSWERED, "related", "not_in_library")


@dataclass(frozen=True, slots=True)
class Found:
    """A ranked passage or document; `text` is `[start, end)` of the article, in code points."""

    article: str
    title: str = ""
    start: int = 0
    end: int = 0
    text: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result of one question.

    `measures` are by name, `seconds` by stage. `confidence` and `status` are None if the method
    ranks without answering. `found` is in rank order and may be cut short to keep a report small.
    `problem` says why the question was refused, if it was. `missed_at` is the stage that lost the
    answer, empty if none did or if it is not known.
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
    missed_at: str = ""

    def __post_init__(self) -> None:
        """Refuse NaN, infinities and an unknown status."""
        numbers = [*self.measures.values(), *self.seconds.values(), self.confidence or 0.0]
        if not all(map(math.isfinite, numbers)):
            raise InputError(f"Question {self.id!r} has a value that is NaN or infinite.")
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
class Hidden:
    """`asked` questions once more, with the articles hidden that answer them.

    `answered` is the share that was answered all the same, `auroc` the chance that a question gets
    a higher confidence as it is than another with its articles hidden.
    """

    asked: int
    answered: float
    auroc: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One method on one data set; made by `build_report`, loaded by `load_report`.

    `by_type` is question type -> measure -> interval. `abstention` is None if the method does not
    answer; an answer counts as right if the measure `right_when` is above 0, and `threshold` is
    the lowest confidence at which the method answers. `fingerprint` identifies library, settings
    and code, `machine` the computer; `cost` is what the index and the run took. `hidden` is None if
    the questions were not asked again with their articles hidden.
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
    hidden: Hidden | None = None

    def __post_init__(self) -> None:
        """Refuse means that differ from those of the rows."""
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
        """Question id -> value of one measure; `build_report` has the rule for missing values."""
        return _values(self.questions, measure)

    def to_json(self) -> str:
        """The JSON document, with a line break at the end."""
        return to_json(self)


def _refuse_duplicates(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise InputError(f"The question id {each!r} is used twice; expected unique ids.")
        seen.add(each)


def _values(rows: Sequence[Row], measure: str) -> dict[str, float]:
    """An answerable question without a value counts as 0 if another answerable one has a value."""
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
    """Compute means, intervals, types, abstention and latency from rows, one per question.

    A measure is averaged over the questions that have it. An answerable question without it counts
    as 0 if any answerable question has it, so that a method cannot gain by failing. Abstention is
    measured if `right_when` names a measure and every row has a confidence and a status.
    `created` is ISO 8601, by default now. Raises InputError for no rows and for duplicate ids.
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
    """The keys of all mappings, without duplicates, in order of first appearance."""
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
    """Load a report. Raises InputError, naming the file, if it is damaged or not a report."""
    row = json_object(load_text(path), str(path))
    try:
        if row.get("schema") != SCHEMA:
            raise InputError(f"schema is {row.get('schema')!r}; expected {SCHEMA}.")
        return from_json(Report, row, "report")
    except InputError as error:
        raise InputError(f"{path} is not a report: {error.message}") from error


def lowest(report: Report) -> tuple[list[Row], str]:
    """Answerable questions below 1 on the report's first measure; ties by all other measures."""
    measure = next(iter(report.measures), "")
    values = report.values(measure) if measure else {}
    low = [row for row in report.questions if row.answerable and values.get(row.id, 1.0) < 1]
    return sorted(low, key=lambda r: (values[r.id], sum(r.measures.values()), r.id)), measure
