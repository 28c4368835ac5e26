"""The results tables of the documentation, in Markdown, from summaries."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sourcebook.eval.measures.abstention import Abstention
from sourcebook.eval.measures.statistics import Interval
from sourcebook.eval.report.summary import (
    HEADLINES,
    SERVED,
    DataSummary,
    MethodSummary,
    load_summary,
)
from sourcebook.index.errors import InputError

LEVEL = 0.05


def results_table(folder: Path) -> str:
    """The results in `folder` (`*.json`, as `eval all --results` writes them) as Markdown tables.

    Every figure comes from these files. Raises InputError if there are none.
    """
    summaries = [load_summary(path) for path in sorted(folder.glob("*.json"))]
    if not summaries:
        raise InputError(f"{folder} has no results; `sourcebook eval all` writes them.")
    parts = [_rankings(summaries), _answers(summaries), _costs(summaries), _made(summaries)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _rankings(summaries: Sequence[DataSummary]) -> str:
    methods = list(dict.fromkeys(m.method for s in summaries for m in s.methods))
    rows = []
    for summary in summaries:
        by_name = {each.method: each for each in summary.methods}
        label = f"{summary.data}, {summary.questions - summary.unanswerable:,} questions"
        for measure in HEADLINES:
            values = {m: by_name[m].measures.get(measure) for m in methods if m in by_name}
            if any(values.values()):
                rows.append([label, measure, *_cells(summary, measure, methods, values)])
                label = ""
    head = ["data set", "measure", *methods]
    said = (
        "The best value of a row is bold. † marks a method that differs from `full` (p < .05, "
        "paired randomisation test, Holm-corrected over the methods). Brackets contain 95 % "
        "bootstrap intervals."
    )
    return f"{_table(head, rows)}\n\n{said}"


def _cells(
    summary: DataSummary,
    measure: str,
    methods: Sequence[str],
    values: Mapping[str, Interval | None],
) -> list[str]:
    best = max(f"{value.mean:.3f}" for value in values.values() if value)
    differs = {
        each.method
        for each in summary.against
        if each.measure == measure and each.corrected < LEVEL
    }
    cells = []
    for method in methods:
        value = values.get(method)
        if value is None:
            cells.append("–")
            continue
        figure = _figure(value.mean)
        figure = f"**{figure}**" if f"{value.mean:.3f}" == best else figure
        interval = f" [{_figure(value.low)}, {_figure(value.high)}]" if method == SERVED else ""
        cells.append(figure + interval + ("†" if method in differs else ""))
    return cells


def _answers(summaries: Sequence[DataSummary]) -> str:
    rows = []
    for summary in summaries:
        for each in summary.methods:
            if each.method == SERVED and each.abstention and each.abstention.unanswerable:
                rows.append([summary.data, *_silence(each.abstention), *_quoting(each.measures)])
    head = [
        "data set",
        "AUROC",
        "rightly answered or refused",
        "false answers",
        "false refusals",
        "citation precision",
        "citation recall",
        "exact quotes",
    ]
    return f"Answers and abstention of `full`:\n\n{_table(head, rows)}" if rows else ""


def _silence(found: Abstention) -> list[str]:
    figures = (found.auroc, found.accuracy, found.false_answers, found.false_refusals)
    return ["–" if each is None else _figure(each) for each in figures]


def _quoting(measures: Mapping[str, Interval]) -> list[str]:
    precision = measures.get("CitationPrecision") or measures.get("CitedArticles")
    figures = (precision, measures.get("CitationRecall"))
    cells = [_figure(each.mean) if each else "–" for each in figures]
    exact = measures.get("Exact")
    return [*cells, f"{100 * exact.mean:.4g} %" if exact else "–"]


def _costs(summaries: Sequence[DataSummary]) -> str:
    rows = [
        [summary.data, *_cost(each)]
        for summary in summaries
        for each in summary.methods
        if each.method == SERVED
    ]
    head = [
        "data set",
        "articles",
        "passages",
        "index, MB",
        "built, passages/s",
        "median, ms",
        "95 %, ms",
    ]
    return f"Size and speed of `full`:\n\n{_table(head, rows)}" if rows else ""


def _cost(each: MethodSummary) -> list[str]:
    size = sum(each.cost.get("bytes", {}).values()) / 1e6
    speed = each.cost.get("passages_per_second")
    total = each.latency.get("total")
    times = [f"{1000 * value:.0f}" for value in (total.median, total.p95)] if total else ["–", "–"]
    counts = [f"{each.cost.get(name, 0):,}" for name in ("articles", "passages")]
    return [*counts, f"{size:.1f}", f"{speed:.0f}" if speed else "–", *times]


def _made(summaries: Sequence[DataSummary]) -> str:
    machines = {f"{s.machine.get('processor')}, {s.machine.get('cores')} cores" for s in summaries}
    dates = sorted({each.created[:10] for s in summaries for each in s.methods})
    codes = sorted({str(each.fingerprint.get("code")) for s in summaries for each in s.methods})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured {span} on {'; '.join(sorted(machines))}; code {', '.join(codes)}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(value: float) -> str:
    """Three decimals without the zero before the point."""
    return f"{value:.3f}".removeprefix("0") if value >= 0 else f"{value:.3f}"
