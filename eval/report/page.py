"""The report page: one self-contained HTML file, drawn without scripts from one report or several.

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

from sourcebook.eval.data.document import encode
from sourcebook.eval.data.judged import find_quote
from sourcebook.eval.measures.statistics import Interval
from sourcebook.eval.report.drawing import (
    Html,
    bar,
    box,
    el,
    group,
    join,
    number,
    p_value,
    percent,
    run_name,
    table,
    time,
)
from sourcebook.eval.report.report import ANSWERED, Comparison, Found, Pair, Report, Row, compare
from sourcebook.eval.report.silence import silence

TEMPLATE = Path(__file__).with_name("page.html")
WORST = 20  # questions shown of one report; of several, each shows WORST_OF_MANY
WORST_OF_MANY = 8
CHANGED = 6  # questions shown that one run gained, and as many that it lost
FOUND = 5
SHOWN = 700  # characters shown of a passage
LEVEL = 0.05


def save_page(reports: Sequence[Report], path: Path) -> None:
    """Write the page of one report, or of a comparison of several on the same questions."""
    path.write_text(render_page(reports), encoding="utf-8")


def render_page(reports: Sequence[Report]) -> str:
    """The page as HTML. Raises InputError for several reports that cannot be compared."""
    comparison = compare(reports) if len(reports) != 1 else None
    names = comparison.names if comparison else (reports[0].name,)
    sections = _sections(dict(zip(names, reports, strict=True)), comparison)
    links = [el("a", title, href=f"#s{i}") for i, (title, _) in enumerate(sections)]
    body = join(
        [
            _header(names, reports),
            el("nav", *links, aria_label="Sections"),
            *(
                el("section", el("h2", title, id=f"s{i}"), content, aria_labelledby=f"s{i}")
                for i, (title, content) in enumerate(sections)
            ),
        ]
    )
    title = escape(" against ".join(names))
    page = Template(TEMPLATE.read_text(encoding="utf-8"))
    return page.substitute(title=title, body=el("main", body), data=_embedded(reports))


def _embedded(reports: Sequence[Report]) -> str:
    """The figures as JSON that no HTML parser can leave early; texts stay in the report file."""
    slim = tuple(
        replace(report, questions=tuple(replace(r, found=(), wanted=()) for r in report.questions))
        for report in reports
    )
    return re.sub(r"[<>&\u2028\u2029]", lambda m: f"\\u{ord(m[0]):04x}", encode(slim).strip())


def _sections(runs: Mapping[str, Report], comparison: Comparison | None) -> list[tuple[str, Html]]:
    """The sections that these runs have something for, in reading order."""
    sections = [
        ("Measures", _measures(runs)),
        ("Differences between runs", _differences(runs, comparison) if comparison else None),
        ("By question type", _types(runs)),
        ("Knowing when to be silent", silence(runs)),
        ("Latency", _latency(runs)),
        ("Worst questions", _worst(runs)),
        ("Gold that was not found", _missing(runs)),
        ("How this was made", _made(runs)),
    ]
    return [(title, content) for title, content in sections if content]


def _header(names: Sequence[str], reports: Sequence[Report]) -> Html:
    first = reports[0]
    silent = sum(not row.answerable for row in first.questions)
    about = f"{first.data}: {len(first.questions)} questions"
    about += f", {silent} of them unanswerable." if silent else "."
    return el(
        "header",
        el("h1", " against ".join(names)),
        el("p", about, class_="about"),
        el("p", _legend(names), class_="about") if len(names) > 1 else "",
    )


def _legend(names: Sequence[str]) -> Html:
    return join(join([run_name(i, name), " \u2002"]) for i, name in enumerate(names))


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
    columns = ["Run" if many else "Measure", "0 to 1, a line at each quarter", "Mean and interval"]
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
        "Paired randomisation tests on the same questions; p corrected over the pairs of runs "
        "compared on a measure. ▲ and ▼: below .05 after correction. Counts are of questions."
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
    """The questions whose value differs most between two runs, gains first."""
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
    """The heat map: types by measures for one run, types by runs for each measure of several."""
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


def _worst(runs: Mapping[str, Report]) -> Html | None:
    if len(runs) == 1:
        report = next(iter(runs.values()))
        return _worst_of(report, WORST)
    lists = [(name, _worst_of(report, WORST_OF_MANY)) for name, report in runs.items()]
    return join(el("details", el("summary", name), cards) for name, cards in lists if cards)


def _worst_of(report: Report, limit: int) -> Html | None:
    """Cards of the questions that scored lowest on the first measure, then of false answers."""
    wrong = [r for r in report.questions if not r.answerable and r.status in ANSWERED]
    wrong.sort(key=lambda row: (-(row.confidence or 0.0), row.id))
    low, measure = lowest(report)
    parts = []
    if low:
        parts += [el("p", f"{len(low)} questions score below 1 on {measure}; the lowest first.")]
        parts += map(_card, low[:limit])
    if wrong:
        parts += [el("h3", f"Answered although unanswerable: {len(wrong)}")]
        parts += map(_card, wrong[:limit])
    return join(parts) if parts else None


def lowest(report: Report) -> tuple[list[Row], str]:
    """Answerable questions below 1 on the report's first measure; ties by all other measures."""
    measure = next(iter(report.measures), "")
    values = report.values(measure) if measure else {}
    low = [row for row in report.questions if row.answerable and values.get(row.id, 1.0) < 1]
    return sorted(low, key=lambda r: (values[r.id], sum(r.measures.values()), r.id)), measure


def _card(row: Row) -> Html:
    facts = [row.id, row.type, (row.status or "").replace("_", " ")]
    if row.confidence is not None:
        facts.append(f"confidence {row.confidence:.2f}")
    facts += [f"{name} {value:.2f}" for name, value in row.measures.items()]
    return el(
        "article",
        el("h4", row.question),
        el("p", " · ".join(filter(None, facts)), class_="about"),
        el("div", _found(row), _wanted(row), class_="sides"),
    )


def _found(row: Row) -> Html:
    quotes = [each.quote for each in row.wanted if each.quote]
    items = [
        el("li", el("span", _where(each), class_="where"), _marked(each.text, quotes))
        for each in row.found[:FOUND]
    ]
    said = el("ol", *items) if items else el("p", "nothing", class_="quiet")
    return el("div", el("h5", "Found"), said)


def _where(found: Found) -> str:
    parts = [found.title or found.article]
    if found.end:
        parts.append(f"{found.start}–{found.end}")
    if found.score is not None:
        parts.append(f"score {found.score:.3f}")
    return " · ".join(parts)


def _marked(text: str, quotes: Sequence[str]) -> Html:
    """The text, clipped after the last gold quote that it holds, with the quotes marked."""
    parts: list[str] = []
    at = 0
    for start, end in sorted(span for quote in quotes for span in find_quote(text, quote)):
        if start >= at:
            parts += [text[at:start], el("mark", text[start:end])]
            at = end
    shown = max(at, SHOWN)
    return join([*parts, text[at:shown], "…" if shown < len(text) else ""])


def _wanted(row: Row) -> Html:
    items = [el("li", el("span", each.article, class_="where"), each.quote) for each in row.wanted]
    said = el("ul", *items) if items else el("p", "silence", class_="quiet")
    return el("div", el("h5", "Wanted"), said)


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
