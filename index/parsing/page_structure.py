"""The lists and tables of a web page: which of its blocks are items, and which are rows."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from lxml.html import HtmlElement

from sourcebook.index.article import BlockKind, cells_of
from sourcebook.index.parsing.structure import Part, table
from sourcebook.index.parsing.web_blocks import WebBlock

LISTS = frozenset(("dl", "ol", "ul"))
ITEMS = frozenset(("dd", "dt", "li"))


def parts_of(blocks: Iterable[tuple[WebBlock, BlockKind]]) -> Iterator[Part]:
    """One part for each block, given its kind: paragraphs of lists are items, rows form tables."""
    for own, run in itertools.groupby(blocks, key=lambda each: _table_of(each[0])):
        if own is None:
            yield from (_part(block, kind) for block, kind in run)
        else:
            yield from table([_row(block) for block, _ in run])


def _table_of(block: WebBlock) -> HtmlElement | None:
    """The table that a block is a row of; None for all others."""
    if block.element.tag != "tr":
        return None
    found: HtmlElement | None = next(block.element.iterancestors("table"), None)
    return found


def _row(block: WebBlock) -> tuple[Sequence[str], bool]:
    """The cells of a row, and whether each that is not empty is a header."""
    cells = [cell for cell in block.element if cell.tag in ("td", "th")]
    full = [cell.tag == "th" for cell in cells if (cell.text_content() or "").strip()]
    return cells_of(block.text), bool(full) and all(full)


def _part(block: WebBlock, kind: BlockKind) -> Part:
    depth = _depth(block.element) if kind is BlockKind.PARAGRAPH else 0
    return Part(BlockKind.ITEM if depth else kind, block.text, depth)


def _depth(element: HtmlElement) -> int:
    """How many lists an item is in; 0 for what is in no item. What describes a term is one more."""
    around = [str(each.tag) for each in (element, *element.iterancestors())]
    if ITEMS.isdisjoint(around):
        return 0
    return sum(tag in LISTS for tag in around) + ("dd" in around)
