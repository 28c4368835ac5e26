"""The section of the report page about abstention: figures, risk-coverage and reliability."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sourcebook.eval.measures.reliability import Bin, calibration_error, reliability
from sourcebook.eval.report.document import Report
from sourcebook.eval.report.drawing import curves
from sourcebook.eval.report.elements import Html, el, join, run_name, table
from sourcebook.eval.report.numbers import number

FIGURES = {
    "auroc": "AUROC",
    "aurc": "AURC (less is better)",
    "accuracy": "Accuracy at the threshold",
    "false_answers": "Unanswerable but answered",
    "false_refusals": "Answerable but refused",
}
HIDDEN = {
    "auroc": "AUROC, against the same questions with their articles hidden",
    "answered": "Answered with their articles hidden",
}
RISK = "Risk-coverage curves; the same figures are in the tables below."
RELIABLE = "Reliability curves: the share of answerable questions at each level of confidence."
Curve = Sequence[tuple[float, float]]


def abstention_section(runs: Mapping[str, Report]) -> Html | None:
    """The figures and curves of the runs with a confidence; None if no run has one."""
    measured = {i: r for i, r in enumerate(runs.values()) if r.abstention}
    if not measured:
        return None
    names = list(runs)
    bins = {i: _bins(report) for i, report in measured.items()}
    rows = [
        _row(label, [getattr(r.abstention, key) for r in measured.values()])
        for key, label in FIGURES.items()
    ]
    rows += [
        _row(label, [getattr(r.hidden, key, None) for r in measured.values()])
        for key, label in HIDDEN.items()
        if any(r.hidden for r in measured.values())
    ]
    errors = [calibration_error(each) if each else None for each in bins.values()]
    rows.append(_row("Calibration error (less is better)", errors))
    rows.append(_row("Threshold", [r.threshold for r in measured.values()]))
    head = ["", *(run_name(i, names[i]) for i in measured)]
    caption = "Shares from 0 to 1. Risk is the share of answered questions with a wrong answer."
    figures = table(head, [el("tbody", *rows)], caption, numbers=len(measured))
    risks = {i: r.abstention.curve for i, r in measured.items() if r.abstention}
    parts = [curves(risks, RISK, x="share answered", y="risk"), figures]
    lines = {i: [(b.confidence, b.answerable) for b in each] for i, each in bins.items() if each}
    if lines:
        parts.append(curves(lines, RELIABLE, x="confidence", y="answerable"))
    return join([*parts, *_tables(runs, {names[i]: line for i, line in lines.items()})])


def _bins(report: Report) -> tuple[Bin, ...]:
    """The reliability of a run; empty if its confidence is not a probability."""
    rows = [row for row in report.questions if row.confidence is not None]
    confidence = [row.confidence or 0.0 for row in rows]
    if not rows or min(confidence) < 0 or max(confidence) > 1:
        return ()
    return reliability(confidence, [row.answerable for row in rows])


def _row(label: str, values: Iterable[float | None]) -> Html:
    cells = (el("td", number(value), class_="number") for value in values)
    return el("tr", el("th", label, scope="row"), *cells)


def _tables(runs: Mapping[str, Report], lines: Mapping[str, Curve]) -> Iterable[Html]:
    """The curves as tables of at most 21 points each."""
    for name, report in runs.items():
        if report.abstention:
            title = f"Risk-coverage curve of {name} as a table."
            yield _points(title, ("Share answered", "Risk"), report.abstention.curve)
        if name in lines:
            title = f"Reliability of {name} as a table."
            yield _points(title, ("Confidence", "Answerable"), lines[name])


def _points(title: str, head: Sequence[str], curve: Curve) -> Html:
    kept = sorted({round(i) for i in np.linspace(0, len(curve) - 1, 21)})
    rows = (el("tr", *(el("td", number(v), class_="number") for v in curve[i])) for i in kept)
    points = table(head, [el("tbody", *rows)], title, numbers=2)
    return el("details", el("summary", title), points)
