"""The report page: one self-contained HTML file without scripts, from one report or several.

All text passes through `el`, which escapes whatever is not already `Html`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from itertools import combinations
from pathlib import Path
from string import Template
from typing import Any

from sourcebook.eval.data.dataclass_json import to_json
from sourcebook.eval.measures.statistics import Interval
from sourcebook.eval.report.comparison import Comparison, Pair, compare
from sourcebook.eval.report.document import Report
from sourcebook.eval.report.drawing import bar, box, percent
from sourcebook.eval.report.elements import Html, el, group, join, run_name, table
from sourcebook.eval.report.headlines import Headline, headlines
from sourcebook.eval.report.misses import misses_table
from sourcebook.eval.report.numbers import number, p_value, share, time
from sourcebook.eval.report.page_abstention import abstention_section
from sourcebook.eval.report.page_questions import worst_questions

TEMPLATE = Path(__file__).with_name("page.html")
CHANGED = 6  # how many questions that improved are shown, and how many that got worse
LEVEL = 0.05  # of significance, the usual one


def save_page(reports: Sequence[Report], path: Path) -> None:
    """Write the page of one report, or of a comparison of several on the same questions."""
    path.write_text(render_page(reports), encoding="utf-8")


def render_page(reports: Sequence[Report]) -> str:
    """The page as HTML. Raises InputError if there are several and they cannot be compared."""
    comparison = compare(reports) if len(reports) != 1 else None
    names = comparison.names if comparison else (reports[0].name,)
    sections = _sections(dict(zip(names, reports, strict=True)), comparison)
    links = [el("a", title, href=f"#s{i}") for i, (title, _) in enumerate(sections)]
    body = join(
        [
            _header(names, reports),
            el("nav", *links, aria_label="Sections"),
            *(_section(i, title, content) for i, (title, content) in enumerate(sections)),
        ]
    )
    title = escape(" against ".join(names))
    page = Template(TEMPLATE.read_text(encoding="utf-8"))
    return page.substitute(title=title, body=el("main", body), data=_embedded(reports))


def _section(place: int, title: str, content: Html) -> Html:
    """A section; the first is open, the others unfold."""
    head = el("h2", title, id=f"s{place}")
    shown = (head, content) if place == 0 else (el("details", el("summary", head), content),)
    return el("section", *shown, aria_labelledby=f"s{place}")


def _embedded(reports: Sequence[Report]) -> str:
    """The figures as JSON without characters that could end the script element; no passages."""
    slim = tuple(
        replace(report, questions=tuple(replace(r, found=(), wanted=()) for r in report.questions))
        for report in reports
    )
    return re.sub(r"[<>&\u2028\u2029]", lambda m: f"\\u{ord(m[0]):04x}", to_json(slim).strip())


def _sections(runs: Mapping[str, Report], comparison: Comparison | None) -> list[tuple[str, Html]]:
    """The sections that are not empty for these runs, from top to bottom."""
    sections = [
        ("At a glance", _at_a_glance(runs)),
        ("Measures", _measures(runs)),
        ("Differences between runs", _differences(runs, comparison) if comparison else None),
        ("By question type", _types(runs)),
        ("Knowing when not to answer", abstention_section(runs)),
        ("Latency", _latency(runs)),
        ("Where misses happen", misses_table(runs)),
        ("Worst questions", worst_questions(runs)),
        ("Gold quotes that were not found", _missing(runs)),
        ("How this was made", _made(runs)),
    ]
    return [(title, content) for title, content in sections if content]


def _header(names: Sequence[str], reports: Sequence[Report]) -> Html:
    first = reports[0]
    unanswerable = sum(not row.answerable for row in first.questions)
    about = f"{first.data}: {len(first.questions)} questions"
    about += f", {unanswerable} of them unanswerable." if unanswerable else "."
    return el(
        "header",
        el("h1", " against ".join(names)),
        el("p", about, class_="about"),
        el("p", _legend(names), class_="about") if len(names) > 1 else "",
    )


def _legend(names: Sequence[str]) -> Html:
    return join(join([run_name(i, name), " \u2002"]) for i, name in enumerate(names))


def _at_a_glance(runs: Mapping[str, Report]) -> Html | None:
    """The six figures in plain words, one column for each run."""
    found = [{each.title: each for each in headlines(report)} for report in runs.values()]
    rows = [
        el("tr", el("th", title, scope="row"), *(_counted(each.get(title)) for each in found))
        for title in dict.fromkeys(title for each in found for title in each)
    ]
    head = ["", *(run_name(i, name) for i, name in enumerate(runs))]
    caption = "Share and number of the questions that each figure is about."
    return table(head, [el("tbody", *rows)], caption, numbers=len(runs)) if rows else None


def _counted(headline: Headline | None) -> Html:
    if headline is None:
        return el("td", "–", class_="number")
    said = f"{share(headline.share)} ({headline.count} of {headline.total})"
    return el("td", said, class_="number")


def _shared(runs: Mapping[str, Report]) -> list[str]:
    reports = list(runs.values())
    return [each for each in reports[0].measures if all(each in r.measures for r in reports)]


def _measures(runs: Mapping[str, Report]) -> Html | None:
    measures = _shared(runs)
    many = len(runs) > 1
    bodies = [
        group(measure, _bars(measure, runs, many), 3)
        if many
        else el("tbody", *_bars(measure, runs, many))
        for measure in measures
    ]
    columns = ["Run" if many else "Measure", "0 to 1, a line every .25", "Mean and interval"]
    caption = "Means over the questions, with 95 % bootstrap intervals."
    return table(columns, bodies, caption, class_="measures") if bodies else None


def _bars(measure: str, runs: Mapping[str, Report], many: bool) -> Iterable[Html]:
    for i, (name, report) in enumerate(runs.items()):
        label = el("td", run_name(i, name)) if many else el("th", measure, scope="row")
        yield el("tr", label, *bar(report.measures[measure], i))


def _differences(runs: Mapping[str, Report], comparison: Comparison) -> Html:
    head = ["Runs", "Difference", "p", "p (Holm)", "Better / worse / same"]
    bodies = [
        group(measure, (_pair(p) for p in comparison.pairs if p.measure == measure), len(head))
        for measure in comparison.measures
    ]
    caption = (
        "Paired randomisation tests on the same questions; p (Holm) is corrected for the number of "
        "pairs of runs. ▲ and ▼: below .05 after correction. The last column counts questions."
    )
    measure = next(iter(comparison.measures))
    changes = (
        _changed(measure, one, other, runs) for one, other in combinations(comparison.names, 2)
    )
    return join([table(head, bodies, caption, numbers=4), *changes])


def _pair(pair: Pair) -> Html:
    sure = pair.corrected < LEVEL
    direction = ("up" if pair.difference > 0 else "down") if sure else "quiet"
    arrow = ("▲ " if pair.difference > 0 else "▼ ") if sure else ""
    figures = (p_value(pair.p), p_value(pair.corrected))
    counts = f"{pair.wins} / {pair.losses} / {pair.ties}"
    return el(
        "tr",
        el("td", f"{pair.first} → {pair.second}"),
        el("td", arrow, number(pair.difference, "+"), class_=f"number {direction}"),
        *(el("td", figure, class_="number") for figure in (*figures, counts)),
    )


def _changed(measure: str, one: str, other: str, runs: Mapping[str, Report]) -> Html:
    """The questions whose value changed most between two runs, improvements first."""
    before, after = (runs[name].values(measure) for name in (one, other))
    change = {each: after.get(each, 0.0) - before.get(each, 0.0) for each in before | after}
    asked = {row.id: row for row in runs[one].questions}
    ranked = sorted(change, key=lambda each: (-change[each], each))
    kept = ranked[:CHANGED] + ranked[CHANGED:][-CHANGED:]
    rows = [
        el(
            "tr",
            el("th", asked[each].question, scope="row"),
            el("td", asked[each].type),
            *(el("td", number(side.get(each, 0.0)), class_="number") for side in (before, after)),
            el("td", number(change[each], "+"), class_="number"),
        )
        for each in kept
        if change[each]
    ]
    if not rows:
        return el("p", f"No question differs in {measure} between {one} and {other}.")
    caption = f"Largest changes in {measure} from {one} to {other}."
    head = ["Question", "Type", one, other, "Change"]
    changed = table(head, [el("tbody", *rows)], caption, numbers=3)
    return el("details", el("summary", caption), changed)


def _types(runs: Mapping[str, Report]) -> Html | None:
    """A heat map: types by measures for one run; types by runs, per measure, for several."""
    first = next(iter(runs.values()))
    measures = [each for each in _shared(runs) if any(each in v for v in first.by_type.values())]
    if not measures:
        return None
    if len(runs) == 1:
        columns = {each: {k: v.get(each) for k, v in first.by_type.items()} for each in measures}
        return _heat(columns, "Mean of each measure by question type.")
    maps = [
        _heat(
            {
                name: {k: v.get(each) for k, v in report.by_type.items()}
                for name, report in runs.items()
            },
            f"{each} by question type and run.",
        )
        for each in measures
    ]
    rest = (el("details", el("summary", m), h) for m, h in zip(measures[1:], maps[1:], strict=True))
    return join([maps[0], *rest])


def _heat(columns: Mapping[str, Mapping[str, Interval | None]], caption: str) -> Html:
    kinds = sorted({kind for column in columns.values() for kind in column})
    rows = []
    for kind in kinds:
        cells = [column.get(kind) for column in columns.values()]
        if any(cells):
            n = max(cell.n for cell in cells if cell)
            head = el("th", kind, el("span", f" ({n})", class_="quiet"), scope="row")
            rows.append(el("tr", head, *map(_heat_cell, cells)))
    head_cells = ["Type (questions)", *columns]
    return table(head_cells, [el("tbody", *rows)], caption, class_="heat", numbers=len(columns))


def _heat_cell(cell: Interval | None) -> Html:
    if cell is None:
        return el("td", "–", class_="none")
    said = f"95 % interval {cell.low:.3f} to {cell.high:.3f}, {cell.n} questions"
    return el("td", number(cell.mean), style=f"--share:{percent(cell.mean)}%", title=said)


def _latency(runs: Mapping[str, Report]) -> Html | None:
    positive = [
        value
        for report in runs.values()
        for row in report.questions
        for value in row.seconds.values()
        if value > 0
    ]
    if not positive:
        return None
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    decades = range(low, max(high, low + 1) + 1)
    stages = dict.fromkeys(stage for report in runs.values() for stage in report.latency)
    bodies = [_stage(stage, runs, decades) for stage in stages]
    axis = el("div", *(el("span", time(10.0**each)) for each in decades), class_="scale")
    head = ["Run" if len(runs) > 1 else "Stage", axis, "Median", "95 %", "Longest"]
    caption = (
        "Time per question on a logarithmic scale: 5 to 95 % of the questions (line), "
        "the middle half (box), the median (tick)."
    )
    return table(head, bodies, caption, class_="measures", numbers=3)


def _stage(stage: str, runs: Mapping[str, Report], decades: range) -> Html:
    rows = []
    for i, (name, report) in enumerate(runs.items()):
        if stage in report.latency:
            label = el("td", run_name(i, name)) if len(runs) > 1 else el("th", stage, scope="row")
            seconds = [row.seconds[stage] for row in report.questions if stage in row.seconds]
            drawing = el("td", box(seconds, decades, i), class_="bar")
            taken = report.latency[stage]
            times = (taken.median, taken.p95, taken.max)
            cells = (el("td", time(value), class_="number") for value in times)
            rows.append(el("tr", label, drawing, *cells))
    return group(stage, rows, 5) if len(runs) > 1 else el("tbody", *rows)


def _missing(runs: Mapping[str, Report]) -> Html | None:
    gold = dict.fromkeys(each for report in runs.values() for each in report.missing_gold)
    if not gold:
        return None
    rows = (
        el("tr", *(el("td", each) for each in (m.question, m.article, m.reason, m.quote)))
        for m in gold
    )
    caption = "Quotes that are not in the articles that were searched; they count as never found."
    head = ["Question", "Article", "Reason", "Quote"]
    return table(head, [el("tbody", *rows)], caption)


def _made(runs: Mapping[str, Report]) -> Html:
    return join(
        el("details", el("summary", f"{name}: {report.method}, {report.created}"), _facts(report))
        for name, report in runs.items()
    )


def _facts(report: Report) -> Html:
    facts: dict[str, Any] = {
        "fingerprint": report.fingerprint,
        "machine": report.machine,
        "cost": report.cost,
    }
    return el("pre", json.dumps(facts, indent=2, ensure_ascii=False, default=dict))
