"""What the commands print for people: tables of measures, abstention, time and differences."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sourcebook.eval.measures.statistics import Interval, paired_test
from sourcebook.eval.report.comparison import Comparison, compare, paired_values
from sourcebook.eval.report.document import Report, Row, lowest
from sourcebook.eval.report.headlines import Headline, headlines
from sourcebook.eval.report.misses import STAGES, misses
from sourcebook.eval.report.numbers import number, p_value, share, time
from sourcebook.eval.report.page_abstention import FIGURES, HIDDEN
from sourcebook.eval.report.summary import HEADLINES, DataSummary
from sourcebook.index.errors import InputError

# Width of a table that goes to a file or another program, so that no line is broken.
WIDE = 240


def console() -> Console:
    """A console on the current standard output."""
    out = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    return out if out.is_terminal else Console(file=sys.stdout, markup=False, width=WIDE)


def reports(
    shown: Sequence[Report], written: Sequence[Path | None] = (), *, everything: bool = False
) -> None:
    """Reports on one data set, one column each: six figures in plain words, then warnings.

    With `everything`, all measures, abstention and time stand between them.
    """
    out = console()
    first = shown[0]
    unanswerable = sum(not row.answerable for row in first.questions)
    others = f", {unanswerable} of them unanswerable" if unanswerable else ""
    out.print(Text(f"{first.data}: {len(first.questions)} questions{others}", style="bold"))
    _headlines(out, shown)
    if everything:
        _measures(out, shown)
    else:
        out.print("--all prints every measure, with intervals.", style="dim")
    for report in shown:
        _warnings(out, report)
    for path in filter(None, written):
        out.print(f"written: {path}", style="dim")


def _headlines(out: Console, shown: Sequence[Report]) -> None:
    found = [{each.title: each for each in headlines(report)} for report in shown]
    table = _table(["", *(report.method for report in shown)])
    for title in dict.fromkeys(title for each in found for title in each):
        _row(table, title, [_counted(each.get(title)) for each in found])
    out.print(table)


def _counted(headline: Headline | None) -> str:
    if headline is None:
        return "–"
    return f"{share(headline.share)}  ({headline.count} of {headline.total})"


def _measures(out: Console, shown: Sequence[Report]) -> None:
    table = _table(["measure", *(report.method for report in shown)])
    for measure in dict.fromkeys(name for report in shown for name in report.measures):
        _row(table, measure, [_interval(report.measures.get(measure)) for report in shown])
    if any(report.abstention for report in shown):
        for key, label in FIGURES.items():
            found = [getattr(report.abstention, key, None) for report in shown]
            _row(table, label, [number(value) for value in found])
    lost = [misses(report) for report in shown]
    for stage, words in STAGES.items() if any(lost) else ():
        _row(table, f"missed: {words}", [str(found.get(stage, 0)) for found in lost])
    if any(report.hidden for report in shown):
        for key, label in HIDDEN.items():
            found = [getattr(report.hidden, key, None) for report in shown]
            _row(table, label, [number(value) for value in found])
    _row(table, "median time", [_median(report) for report in shown])
    out.print(table)


def _warnings(out: Console, report: Report) -> None:
    """What people must know before they trust the figures."""
    if report.missing_gold:
        ids = list(dict.fromkeys(missing.question for missing in report.missing_gold))
        out.print(
            f"{report.method}: {len(report.missing_gold)} gold quotes were not found and count as "
            f"misses (questions {_named(ids)}); the report names each.",
            style="yellow",
        )
    refused = [row.id for row in report.questions if row.problem]
    if refused:
        out.print(
            f"{report.method}: {len(refused)} questions were refused and score 0 "
            f"({_named(refused)}).",
            style="yellow",
        )
    inexact = [row.id for row in report.questions if row.measures.get("Exact", 1.0) < 1]
    if inexact:
        out.print(
            f"{report.method}: {len(inexact)} questions have quotes that are not in their article "
            f"({_named(inexact)}). This is a bug: please report it.",
            style="bold red",
        )


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")


def worst(report: Report, count: int) -> None:
    """The `count` questions with the lowest value of the first measure: found and wanted."""
    rows, measure = lowest(report)
    out = console()
    for row in rows[:count]:
        _question(out, row, measure)


def _question(out: Console, row: Row, measure: str) -> None:
    out.print()
    about = f"{row.id}  {measure} {row.measures.get(measure, 0.0):.3f}  {row.type}".rstrip()
    out.print(Text(about, style="dim"))
    out.print(Text(row.question, style="bold"))
    for quote in row.wanted:
        out.print(Text(f"  wanted  {quote.article}: {quote.quote}"))
    for found in row.found[:3]:
        text = " ".join(found.text.split())
        out.print(Text(f"  found   {found.title or found.article}: {text[:300]}"))


def comparison(shown: Sequence[Report]) -> None:
    """Reports side by side, then the test of each pair."""
    found = compare(shown)
    out = console()
    table = _table(["measure", *found.names])
    for measure, intervals in found.measures.items():
        _row(table, measure, [_interval(interval) for interval in intervals])
    out.print(table)
    out.print(_pairs(found))


LEVEL = 0.05  # of significance, the usual one


def worse(shown: Sequence[Report], measure: str) -> bool:
    """Say whether the last report is significantly worse than the first, and return it.

    Raises InputError for a measure that they do not share.
    """
    first, last = shown[0], shown[-1]
    if measure not in first.measures or measure not in last.measures:
        raise InputError(
            f"The measure is {measure!r}; expected one that both reports have: "
            f"{', '.join(each for each in first.measures if each in last.measures)}."
        )
    found = paired_test(*paired_values(first, last, measure))
    lost = found.difference < 0 and found.p < LEVEL
    verdict = "significantly worse" if lost else "not significantly worse"
    console().print(
        f"{measure}: {last.name} is {verdict} than {first.name} "
        f"({number(found.difference, '+')}, p {p_value(found.p)}).",
        style="bold red" if lost else "green",
    )
    return lost


def _pairs(found: Comparison) -> Table:
    table = _table(["measure", "runs", "difference", "p (Holm)", "better / worse / same"], left=2)
    for pair in found.pairs:
        counts = f"{pair.wins} / {pair.losses} / {pair.ties}"
        figures = [number(pair.difference, "+"), p_value(pair.corrected), counts]
        style = "" if pair.corrected >= 0.05 else "green" if pair.difference > 0 else "red"
        runs = f"{pair.first} → {pair.second}"
        table.add_row(pair.measure, runs, *figures, style=style)
    return table


def summaries(shown: Sequence[DataSummary], seconds: float) -> None:
    """Several data sets, one line per headline measure; the wall time at the end."""
    methods = list(dict.fromkeys(m.method for each in shown for m in each.methods))
    table = _table(["data set", "measure", *methods], left=2)
    for summary in shown:
        by_name = {each.method: each.measures for each in summary.methods}
        label = f"{summary.data} ({summary.questions})"
        for measure in HEADLINES:
            values = [by_name.get(method, {}).get(measure) for method in methods]
            if any(values):
                cells = [number(value.mean) if value else "–" for value in values]
                table.add_row(Text(label), measure, *cells)
                label = ""
    out = console()
    out.print(table)
    out.print(f"wall time: {seconds / 60:.1f} min")


def _table(head: Sequence[str], left: int = 1) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate(head):
        table.add_column(Text(name), justify="left" if place < left else "right", no_wrap=True)
    return table


def _row(table: Table, name: str, cells: Sequence[str]) -> None:
    table.add_row(Text(name), *(Text(cell) for cell in cells))


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _median(report: Report) -> str:
    taken = report.latency.get("total")
    return time(taken.median) if taken else "–"
