"""Plots against size on a logarithmic axis, as SVG files."""

import math
from collections.abc import Iterator, Mapping, Sequence

from sourcebook.eval.report.elements import Html, el

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 590, 40, 300
COLOURS = ("#1b6ca8", "#c8553d", "#4d7c3a", "#7a4f9a")
TICKS = 5  # about this many lines on the axis of values

STYLE = """
svg { font-family: system-ui, sans-serif; font-size: 13px; background: #fff; color: #333 }
text { fill: #333 } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #ddd } .axis { stroke: #888 } .curve { fill: none; stroke-width: 2 }
"""

Curve = Sequence[tuple[float, float]]


def size_plot(title: str, x_label: str, curves: Mapping[str, Curve]) -> str:
    """An SVG document: named curves of (size, value), sizes on a logarithmic axis, values from 0.

    Sizes must be positive. There must be at most four curves and at least one point.
    """
    points = [point for curve in curves.values() for point in curve]
    sizes = [x for x, _ in points]
    first = math.floor(math.log10(min(sizes)))
    last = max(first + 1, math.ceil(math.log10(max(sizes))))
    step = _step(max(y for _, y in points))
    top = step * max(1, math.ceil(max(y for _, y in points) / step))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - first) / (last - first)
        return round(LEFT + across * (RIGHT - LEFT), 1), round(BOTTOM - y / top * (BOTTOM - TOP), 1)

    shapes = [el("style", STYLE), el("text", title, x=LEFT, y=22, class_="title")]
    for power in range(first, last + 1):
        x, _ = place(10**power, 0)
        shapes.append(el("line", x1=x, x2=x, y1=TOP, y2=BOTTOM, class_="grid"))
        shapes.append(el("text", f"{10**power:,}", x=x, y=BOTTOM + 20, text_anchor="middle"))
    for number in range(round(top / step) + 1):
        _, y = place(10**first, number * step)
        shapes.append(el("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid"))
        shapes.append(el("text", f"{number * step:g}", x=LEFT - 8, y=y + 4, text_anchor="end"))
    shapes.append(el("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis"))
    shapes.append(el("text", x_label, x=RIGHT, y=BOTTOM + 44, text_anchor="end"))
    for number, (name, curve) in enumerate(curves.items()):
        shapes += _curve(name, [place(*point) for point in sorted(curve)], number)
    drawing = el(
        "svg",
        *shapes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
    )
    return f"{drawing}\n"


def _step(highest: float) -> float:
    """The distance between lines on the axis of values: 1, 2 or 5 times a power of ten."""
    rough = max(highest, 1e-9) / TICKS
    power = float(10 ** math.floor(math.log10(rough)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _curve(name: str, points: Sequence[tuple[float, float]], number: int) -> Iterator[Html]:
    """A line through points with a dot on each, and its name below the axis."""
    colour = COLOURS[number]
    path = " ".join(f"{x},{y}" for x, y in points)
    yield el("polyline", points=path, class_="curve", stroke=colour)
    for x, y in points:
        yield el("circle", cx=x, cy=y, r=3.5, fill=colour)
    x, y = LEFT + 130 * number, BOTTOM + 44
    yield el("rect", x=x, y=y - 10, width=12, height=12, fill=colour)
    yield el("text", name, x=x + 18, y=y)
