"""Lists and tables: which paragraph leads into which items, which row is the header of which."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sourcebook.index.article import CELLS, BlockKind
from sourcebook.index.parsing.layout import ENDED, STRUCTURED, Page, Piece

# How an item begins in plain text: with a bullet, or a number or letter that counts on.
MARK = re.compile(
    r"(?P<bullet>[-*•·–—‣▪◦])\s|(?P<open>\(?)(?P<count>\d{1,3}|[a-z]|[ivx]{2,5})[.)]\s"
)
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
DIGIT = re.compile(r"\d")
VALUE = re.compile(r"\W*\d")
TABULAR = frozenset({BlockKind.HEADER, BlockKind.ROW})


class Part(NamedTuple):
    """A block as markup gives it; its white space is not yet collapsed.

    `depth` counts the lists around it; `begins` marks the first row of a table.
    """

    kind: BlockKind
    text: str
    depth: int = 0
    begins: bool = False


def table(rows: Sequence[tuple[Sequence[str], bool]]) -> Iterator[Part]:
    """The rows of a table, given the cells of each and whether the markup calls it a header.

    Where the markup does not, the first row is a header if it names columns (`names_columns`).
    """
    stated = any(header for _, header in rows)
    named = not stated and names_columns([cells for cells, _ in rows])
    for number, (cells, header) in enumerate(rows):
        kind = BlockKind.HEADER if header or (named and not number) else BlockKind.ROW
        yield Part(kind, CELLS.join(cells), begins=not number)


def names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names of columns, and no values.

    None of its cells begins with a figure but a year, and below one of them every cell has a
    figure. A table of words alone does not tell.
    """
    if len(rows) < 2 or len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        return False
    first, *rest = ([cell.strip() for cell in row] for row in rows)
    if not any(first) or any(VALUE.match(YEAR.sub("", cell)) for cell in first):
        return False
    return any(
        name and not all(YEAR.fullmatch(cell) for cell in (name, *column))
        for name, *column in zip(first, *rest, strict=True)
        if all(DIGIT.search(cell) for cell in column)
    )


def led(parts: Sequence[Part]) -> list[int | None]:
    """For each part the index of the one that it is not understood without, or None.

    An item needs the item that its list is in, or the paragraph before its list; a row needs its
    header, and a header the one above it or the paragraph before its table. A paragraph that ends
    as a sentence does leads into nothing.
    """
    found: list[int | None] = []
    around: list[int] = []  # the blocks that the next item may belong to, outermost first
    top: int | None = None  # what leads into the whole table
    header: int | None = None  # and into its next row
    before = Part(BlockKind.HEADING, "")
    for number, part in enumerate(parts):
        lead = None
        if part.kind is BlockKind.ITEM:
            around = [each for each in around if parts[each].depth < part.depth]
            lead = around[-1] if around and _opens_list(parts[around[-1]]) else None
            around.append(number)
        elif part.kind in TABULAR:
            if part.begins or before.kind not in TABULAR:
                top = header = number - 1 if _opens_table(before) else None
            below_rows = before.kind is BlockKind.ROW and not part.begins
            lead = top if part.kind is BlockKind.HEADER and below_rows else header
            if part.kind is BlockKind.HEADER:
                header = number
                top = top if below_rows else number
        if part.kind not in (BlockKind.ITEM, BlockKind.CAPTION):
            around = [number] if part.kind is BlockKind.PARAGRAPH else []
        found.append(lead)
        before = part
    return found


def _opens_list(part: Part) -> bool:
    """Whether it leads into a list: what a list stands in does, and what is left open before it."""
    return part.kind is BlockKind.ITEM or not ENDED.search(part.text)


def _opens_table(part: Part) -> bool:
    """Whether it leads into a table right after it: an item only if it says so."""
    if part.kind is BlockKind.ITEM:
        return part.text.endswith(":")
    return part.kind is BlockKind.PARAGRAPH and not ENDED.search(part.text)


def lists_and_tables(page: Page) -> Page:
    """Mark the items of lists and the rows of tables, and what leads into each.

    Two lines in a row that begin with marks are a list; two with equally many cells, between tabs
    or `|`, are a table. Markdown and HTML state their lists and tables, so they are left alone.
    """
    if page.marked:
        return page
    pieces = [
        replace(each, kind=BlockKind.PARAGRAPH) if each.kind in STRUCTURED else each
        for each in page.pieces
    ]
    parts = list(_with_lists(_with_tables(page.raw, pieces)))
    return replace(
        page,
        pieces=tuple(
            replace(
                piece,
                kind=part.kind,
                text=" ".join(part.text.split()),
                lead=None if lead is None else pieces[lead].start,
            )
            for piece, part, lead in zip(pieces, parts, led(parts), strict=True)
        ),
    )


def _with_tables(raw: str, pieces: Iterable[Piece]) -> Iterator[Part]:
    """The pieces, those in a row that have equally many cells as rows of a table."""
    split = [(piece, _cells(raw, piece)) for piece in pieces]
    for width, run in itertools.groupby(split, key=lambda each: len(each[1])):
        lines = list(run)
        rows = _within_borders([cells for _, cells in lines])
        if width > 1 and len(lines) > 1 and len(rows[0]) > 1:
            yield from table([(cells, False) for cells in rows])
        else:
            yield from (Part(piece.kind, piece.text) for piece, _ in lines)


def _within_borders(rows: Sequence[list[str]]) -> Sequence[list[str]]:
    """The rows without the empty columns at their ends, which only borders or tabs make.

    An empty cell of one row is a corner and stays.
    """
    while rows[0] and not any(row[0] for row in rows):
        rows = [row[1:] for row in rows]
    while rows[0] and not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    return rows


def _cells(raw: str, piece: Piece) -> list[str]:
    """The cells of a line of a table, those outside its outer marks too; none of other pieces."""
    if piece.kind is not BlockKind.PARAGRAPH:
        return []
    start, end, mark = piece.start, piece.end, "|" if "|" in piece.text else "\t"
    while mark == "\t" and raw[start - 1 : start] == mark:
        start -= 1
    while mark == "\t" and raw[end : end + 1] == mark:
        end += 1
    line = piece.text if mark == "|" else raw[start:end]
    cells = [" ".join(cell.split()) for cell in line.split(mark)]
    return cells if mark in line.strip(f"{mark} ") and "\n" not in line else []


def _with_lists(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, those in a row that begin with marks as items."""
    marked = (
        (part, MARK.match(part.text) if part.kind is BlockKind.PARAGRAPH else None)
        for part in parts
    )
    for _, run in itertools.groupby(marked, key=lambda each: each[1] is not None):
        found = list(run)
        within: dict[str, str] = {}  # the kinds of mark of the lists around, each with its latest
        for part, mark in found:
            if mark is None or len(found) < 2:
                yield part
            else:
                kind = _kind(mark, within)
                kinds = list(within)
                if kind in within:
                    within = {one: within[one] for one in kinds[: kinds.index(kind) + 1]}
                within[kind] = mark["count"] or ""
                yield part._replace(kind=BlockKind.ITEM, depth=len(within))


def _kind(mark: re.Match[str], within: Mapping[str, str]) -> str:
    """What marks of one list have in common, such as `(a)`; an `i` is a numeral but after an h."""
    if mark["bullet"]:
        return mark["bullet"]
    count, form = mark["count"], f"{mark['open']}{{}}{mark[0].strip()[-1]}"
    if count.isdigit():
        return form.format("1")
    letter = form.format("a")
    if len(count) > 1 or (count in "ivx" and within.get(letter) != chr(ord(count) - 1)):
        return form.format("i")
    return letter
