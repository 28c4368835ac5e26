"""The section of the report page that shows the worst questions: what was found and wanted."""

from collections.abc import Mapping, Sequence

from sourcebook.eval.data.judged import find_quote
from sourcebook.eval.report.document import ANSWERED, Found, Report, Row, lowest
from sourcebook.eval.report.elements import Html, el, join

# How much is shown, so that the page stays readable.
WORST = 20  # questions, if the page has one report
WORST_OF_MANY = 8  # questions of each report, if it has several
FOUND = 5  # passages of a question
SHOWN = 700  # characters of a passage


def worst_questions(runs: Mapping[str, Report]) -> Html | None:
    """Cards of the worst questions of each run; None if every question scored 1."""
    if len(runs) == 1:
        report = next(iter(runs.values()))
        return _worst_of(report, WORST)
    lists = [(name, _worst_of(report, WORST_OF_MANY)) for name, report in runs.items()]
    return join(el("details", el("summary", name), cards) for name, cards in lists if cards)


def _worst_of(report: Report, limit: int) -> Html | None:
    """Cards of the questions with the lowest value of the first measure, then of false answers."""
    wrong = [r for r in report.questions if not r.answerable and r.status in ANSWERED]
    wrong.sort(key=lambda row: (-(row.confidence or 0.0), row.id))
    low, measure = lowest(report)
    parts = []
    if low:
        parts += [el("p", f"{len(low)} questions score below 1 on {measure}, lowest first.")]
        parts += map(_card, low[:limit])
    if wrong:
        parts += [el("h3", f"Unanswerable but answered: {len(wrong)}")]
        parts += map(_card, wrong[:limit])
    return join(parts) if parts else None


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
    """The text with its gold quotes marked, clipped after the last of them."""
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
