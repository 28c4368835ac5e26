"""HTML elements and tables; all text is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

COLOURS = 6  # as many as page.html defines


class Html(str):
    """Text that is HTML already; `el` escapes every other text."""

    __slots__ = ()


def el(name: str, *children: object, **attributes: object) -> Html:
    """One element. A trailing `_` of an attribute is dropped; None leaves the attribute out."""
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{''.join(pairs)}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Html:
    """Children one after the other; those that are not `Html` are escaped."""
    return Html("".join(c if isinstance(c, Html) else escape(str(c)) for c in children))


def table(
    head: Sequence[object],
    bodies: Iterable[Html],
    caption: str,
    *,
    class_: str = "lines",
    numbers: int = 0,
) -> Html:
    """A table with a caption, in a box that scrolls on a narrow screen.

    The last `numbers` columns are numbers. A header cell that is `Html` is the scale of a drawing.
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
    """Rows below a title that spans all columns."""
    return el("tbody", el("tr", el("th", title, scope="rowgroup", colspan=columns)), *rows)


def run_name(run: int, name: str) -> Html:
    """The name of a run next to a square of its colour; `run` is its position."""
    square = el("span", class_=f"swatch r{run % COLOURS}", aria_hidden="true")
    return el("span", square, name, class_="run")
