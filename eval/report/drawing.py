"""HTML elements that escape all text, and the drawings of the report page."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from sourcebook.eval.measures.statistics import Interval

COLOURS = 6  # the template defines as many


class Html(str):
    """Text that is HTML already; `el` escapes every other text."""

    __slots__ = ()


def el(name: str, *children: object, **attributes: object) -> Html:
    """One element. Attributes lose a trailing `_` and those that are None are left out."""
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{''.join(pairs)}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Html:
    """Children side by side, escaped where they are not `Html`."""
    return Html("".join(c if isinstance(c, Html) else escape(str(c)) for c in children))


def table(
    head: Sequence[object],
    bodies: Iterable[Html],
    caption: str,
    *,
    class_: str = "lines",
    numbers: int = 0,
) -> Html:
    """A table under its caption, in a box that scrolls where the screen is narrow.

    The last `numbers` columns are figures. A cell of the head that is `Html` is a drawing's scale.
    """
    texts = len(head) - numbers
    kinds = ("number" if i >= texts else None for i in range(len(head)))
    cells = (
        el("th", cell, scope="col", class_=kind) for cell, kind in zip(head, kinds, strict=True)
    )
    whole = el("table", el("thead", el("tr", *cells)), *bodies, class_=class_, aria_label=caption)
    box = el("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)
    return el("figure", el("figcaption", caption), box)


def group(title: str, rows: Iterable[Html], columns: int) -> Html:
    """Rows under a title that spans all columns."""
    return el("tbody", el("tr", el("th", title, scope="rowgroup", colspan=columns)), *rows)


def run_name(run: int, name: str) -> Html:
    """The name of a run beside a square in its colour; `run` is its position."""
    square = el("span", class_=f"swatch r{run % COLOURS}", aria_hidden="true")
    return el("span", square, name, class_="run")


def bar(interval: Interval, run: int) -> tuple[Html, Html]:
    """The cell with the bar, which readers of the screen skip, and the cell that says it."""
    low, high = (percent(edge) for edge in (interval.low, interval.high))
    drawing = _strip(
        el("rect", x=0, y=3, width=percent(interval.mean), height=14, class_="fill"),
        _line(low, high, 10),
        *(el("line", x1=x, x2=x, y1=7, y2=13, class_="whisker") for x in (low, high)),
        run=run,
    )
    words = f" [{interval.low:.3f}, {interval.high:.3f}]"
    said = el("td", el("strong", number(interval.mean)), el("span", words, class_="interval"))
    return el("td", drawing, class_="bar"), said


def _strip(*shapes: Html, run: int, grid: Sequence[float] = (0, 25, 50, 75, 100)) -> Html:
    """A drawing of 100 by 20 units, stretched to its cell, over vertical grid lines."""
    lines = (el("line", x1=x, x2=x, y1=0, y2=20, class_="grid") for x in grid)
    return el(
        "svg",
        *lines,
        *shapes,
        viewBox="0 0 100 20",
        preserveAspectRatio="none",
        class_=f"strip r{run % COLOURS}",
        aria_hidden="true",
    )


def _line(x1: float, x2: float, y: float) -> Html:
    return el("line", x1=x1, x2=x2, y1=y, y2=y, class_="whisker")


def percent(share: float) -> float:
    """A share of 0 to 1 as units of a drawing, 0 to 100."""
    return round(100 * min(1.0, max(0.0, share)), 2)


def curves(
    runs: Mapping[int, Sequence[tuple[float, float]]], label: str, *, x: str, y: str
) -> Html:
    """Curves in the unit square by the position of their run, with the names of their axes.

    `label` says to readers of the screen what they are.
    """
    lines = []
    for run, curve in runs.items():
        points = " ".join(f"{percent(at)},{round(100 - percent(to), 2)}" for at, to in curve)
        lines.append(el("polyline", points=points, class_=f"curve r{run % COLOURS}"))
    grid = [
        el("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="grid")
        for at in (0, 25, 50, 75, 100)
        for x1, y1, x2, y2 in ((at, 0, at, 100), (0, at, 100, at))
    ]
    drawing = el(
        "svg",
        *grid,
        *lines,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    upright = el("div", *(el("span", each) for each in (f"{y} 1", "0.5", "0")), class_="y")
    level = el("div", *(el("span", each) for each in ("0", x, "1")), class_="x")
    return el("div", upright, drawing, level, class_="plot")


def box(seconds: Sequence[float], decades: range, run: int) -> Html:
    """5, 25, 50, 75 and 95 % of the times, on a logarithmic scale of whole decades."""
    width = decades[-1] - decades[0]
    shares = np.log10(np.maximum(np.quantile(seconds, [0.05, 0.25, 0.5, 0.75, 0.95]), 1e-12))
    p5, p25, p50, p75, p95 = (percent((at - decades[0]) / width) for at in shares)
    return _strip(
        _line(p5, p95, 10),
        el("rect", x=p25, y=4, width=round(max(p75 - p25, 0.4), 2), height=12, class_="fill"),
        el("line", x1=p50, x2=p50, y1=1, y2=19, class_="whisker"),
        run=run,
        grid=[percent((each - decades[0]) / width) for each in decades],
    )


def time(seconds: float) -> str:
    """Seconds with three digits in the unit that people would use."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{_digits(seconds / unit)} {name}"
    return f"{_digits(seconds * 1e9)} ns" if seconds else "0"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def number(value: float | None, sign: str = "") -> str:
    """A figure with three decimals; a dash where there is none."""
    return "–" if value is None else f"{value:{sign}.3f}".replace("-", "−")


def p_value(p: float) -> str:
    """A p value with three decimals, as far as they say anything."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
