"""The drawings of the report page: bars, curves and box plots as SVG."""

from collections.abc import Mapping, Sequence

import numpy as np

from sourcebook.eval.measures.statistics import Interval
from sourcebook.eval.report.elements import COLOURS, Html, el
from sourcebook.eval.report.numbers import number


def bar(interval: Interval, run: int) -> tuple[Html, Html]:
    """A cell with the bar, which screen readers skip, and a cell with the numbers."""
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
    """A drawing of 100 by 20 units over vertical grid lines, stretched to fill its cell."""
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
    """Curves in the unit square, by the position of their run; `x` and `y` name the axes.

    `label` describes the drawing to screen readers.
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
