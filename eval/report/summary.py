"""Summaries: the reports of a data set without their rows, small enough to commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sourcebook.eval.data.dataclass_json import from_json, to_json
from sourcebook.eval.data.files import json_object, load_text
from sourcebook.eval.measures.abstention import Abstention
from sourcebook.eval.measures.statistics import Interval, Paired, holm, paired_test
from sourcebook.eval.report.comparison import paired_values
from sourcebook.eval.report.document import Latency, Report
from sourcebook.index.errors import InputError

SCHEMA = 1
SERVED = "full"
HEADLINES = (
    "nDCG@10",
    "R@10",
    "Success@1",
    "Hit@1",
    "Hit@5",
    "Complete@5",
    "SpanRecall@5",
    "SpanIoU@5",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSummary:
    """The figures of one method; `abstention` has no curve."""

    method: str
    created: str
    measures: Mapping[str, Interval]
    abstention: Abstention | None
    latency: Mapping[str, Latency]
    fingerprint: Mapping[str, Any]
    cost: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A method compared with the one that is served, on one measure, question by question.

    `difference` is served minus method; `corrected` is p after Holm's correction over the methods.
    """

    measure: str
    method: str
    difference: float
    corrected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """All methods on one data set."""

    schema: int = SCHEMA
    data: str
    split: str
    questions: int
    unanswerable: int
    machine: Mapping[str, Any]
    methods: tuple[MethodSummary, ...]
    against: tuple[Against, ...]


def summarise(reports: Sequence[Report], split: str = "") -> DataSummary:
    """Summarise the reports on one data set. Raises InputError for none, or several data sets."""
    if len({report.data for report in reports}) != 1:
        names = ", ".join(report.name for report in reports) or "no report"
        raise InputError(f"Reports on one data set were expected, not {names}.")
    first = reports[0]
    return DataSummary(
        data=first.data,
        split=split,
        questions=len(first.questions),
        unanswerable=sum(not row.answerable for row in first.questions),
        machine=first.machine,
        methods=tuple(map(_method, reports)),
        against=tuple(_against(reports)),
    )


def _method(report: Report) -> MethodSummary:
    return MethodSummary(
        method=report.method,
        created=report.created,
        measures=report.measures,
        abstention=replace(report.abstention, curve=()) if report.abstention else None,
        latency=report.latency,
        fingerprint=report.fingerprint,
        cost=report.cost,
    )


def _against(reports: Sequence[Report]) -> list[Against]:
    served = next((report for report in reports if report.method == SERVED), None)
    others = [report for report in reports if report.method != SERVED]
    if served is None or not others:
        return []
    found = []
    for measure in HEADLINES:
        compared = [r for r in others if measure in r.measures and measure in served.measures]
        tests: list[Paired] = [
            paired_test(*paired_values(report, served, measure)) for report in compared
        ]
        corrected = holm([test.p for test in tests])
        found += [
            Against(measure=measure, method=report.method, difference=test.difference, corrected=p)
            for report, test, p in zip(compared, tests, corrected, strict=True)
        ]
    return found


def save_summary(summary: DataSummary, path: Path) -> None:
    """Write the summary's JSON."""
    path.write_text(to_json(summary), encoding="utf-8")


def load_summary(path: Path) -> DataSummary:
    """Load a summary. Raises InputError, naming the file, if it is not a summary."""
    row = json_object(load_text(path), str(path))
    try:
        return from_json(DataSummary, row, "summary")
    except InputError as error:
        raise InputError(f"{path} is not a summary of results: {error.message}") from error
