"""Parses web pages: reads the article, guided by what trafilatura extracts."""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from trafilatura import bare_extraction
from trafilatura.settings import Document
from trafilatura.utils import load_html

from sourcebook.index.article import CELLS, Block, BlockKind, Metadata, Removal
from sourcebook.index.errors import TooLargeError, UnreadableError
from sourcebook.index.parsing.chosen import chosen
from sourcebook.index.parsing.headings import is_short_line
from sourcebook.index.parsing.layout import ENDED
from sourcebook.index.parsing.markup import Parsed, compose
from sourcebook.index.parsing.page_metadata import page_metadata
from sourcebook.index.parsing.page_structure import parts_of
from sourcebook.index.parsing.structure import Part, led
from sourcebook.index.parsing.web_blocks import Cut, WebBlock, web_blocks

# Extraction takes the longer for each element the more of them there are: 2 s for 20,000 empty
# paragraphs, 12 s for 50,000. The longest articles of Wikipedia have about 40,000.
MAX_TAGS = 50_000
FIGURE = re.compile(r"\D\d")  # a number that does not count the headings
MAX_PAGE = 10 * 2**20  # bytes or characters; a page of text alone takes some seconds for each 2**20


def parse_html(page: bytes | str, name: str) -> Parsed:
    """Parse a saved web page; everything around the article is left out.

    Raises TooLargeError for more than MAX_PAGE characters or MAX_TAGS tags, and UnreadableError if
    no article is found.
    """
    tags = page.count("<") if isinstance(page, str) else page.count(b"<")
    for counted, most, what in ((len(page), MAX_PAGE, "characters"), (tags, MAX_TAGS, "tags")):
        if counted > most:
            raise TooLargeError(
                f"The page {name} has {counted:,} {what}; expected at most {most:,}.",
                cure="Save its article alone, or as plain text.",
            )
    # The error below replaces what trafilatura logs about a page without an article.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    tree = load_html(page)
    if tree is None:
        raise _no_article(name)
    metadata = page_metadata(tree)
    document = bare_extraction(tree, include_comments=False, with_metadata=False)
    if not isinstance(document, Document) or document.body is None:
        raise _no_article(name)
    guide = list(filter(str.strip, _texts(document.body)))
    blocks = web_blocks(tree)
    picked = chosen(blocks, guide)
    if picked:
        return _composed(blocks, picked, metadata)
    # The text stands nowhere in the page itself, but in its data, for instance.
    text, spans = compose(Part(BlockKind.PARAGRAPH, each) for each in guide)
    if not text:
        raise _no_article(name)
    return Parsed(text=text, blocks=spans, metadata=metadata)


def _composed(blocks: Sequence[WebBlock], picked: Collection[int], metadata: Metadata) -> Parsed:
    """The picked blocks, with the other running text of the page as removals in its place."""
    spans, removals, position = [], [], 0
    kept = [(i, b) for i, b in enumerate(blocks) if i in picked or (b.running and not b.hidden)]
    for i, block in kept:
        end = position + len(block.raw)
        rule = "beside the article" if block.beside else "extraction"
        cuts = block.cuts if i in picked else (Cut(rule, 0, len(block.raw)),)
        for cut in cuts:
            text = block.raw[cut.start : cut.end]
            start = position + cut.start
            removals.append(Removal(rule=cut.rule, start=start, end=start + len(text), text=text))
        if i in picked:
            spans.append((position, end))
        position = end + 2
    read = [(b, _kind(blocks, i, picked)) for i, b in kept if i in picked]
    parts = list(parts_of(read))
    return Parsed(
        text="\n\n".join(block.raw for _, block in kept),
        blocks=tuple(
            Block(part.kind, start, end, lead)
            for part, (start, end), lead in zip(parts, spans, led(parts), strict=True)
        ),
        metadata=metadata,
        removals=tuple(removals),
    )


def _kind(blocks: Sequence[WebBlock], index: int, picked: Collection[int]) -> BlockKind:
    """The kind of a block; a line in capitals above a paragraph is a heading, a standfirst none."""
    if _is_standfirst(blocks, index, picked):
        return BlockKind.PARAGRAPH
    text = blocks[index].text
    after = next((blocks[i] for i in range(index + 1, len(blocks)) if i in picked), None)
    line = blocks[index].kind is BlockKind.PARAGRAPH and text.isupper() and is_short_line(text)
    if line and not FIGURE.search(text) and after and after.running and not after.text.isupper():
        return BlockKind.HEADING
    return blocks[index].kind


def _is_standfirst(blocks: Sequence[WebBlock], index: int, picked: Collection[int]) -> bool:
    """Whether a heading is a sentence between the title and the text: the first of the article."""
    block = blocks[index]
    return (
        block.kind is BlockKind.HEADING
        and block.element.tag != "h1"
        and block.running
        and ENDED.search(block.text) is not None
        and not block.text.endswith(("?", "？"))
        and not any(
            blocks[i].running and blocks[i].element.tag != "h1" for i in picked if i < index
        )
    )


def _no_article(name: str) -> UnreadableError:
    return UnreadableError(
        f"No article was found in {name}; expected a web page with running text.",
        cure="Save the page after it has loaded, or paste its text into a .txt file.",
    )


class Node(Protocol):
    """The part of an lxml element that is used here."""

    tag: str
    text: str | None
    tail: str | None

    def __iter__(self) -> Iterator["Node"]:
        """The elements directly below."""

    def iterdescendants(self) -> Iterator["Node"]:
        """All elements below."""


HTML_BLOCKS = ("p", "head", "item", "row", "quote", "code", "list", "table", "div")


def _texts(element: Node) -> Iterator[str]:
    """The texts of the blocks below an element of the tree that trafilatura extracts."""
    if element.tag == "row":
        yield CELLS.join(_html_text(cell) for cell in element)
    elif any(child.tag in HTML_BLOCKS for child in element.iterdescendants()):
        yield from _mixed(element)
    else:
        yield _html_text(element)


def _mixed(element: Node) -> Iterator[str]:
    """The texts of the blocks of an element that holds both text and blocks."""
    inline = element.text or ""
    for child in element:
        if child.tag in HTML_BLOCKS or any(c.tag in HTML_BLOCKS for c in child.iterdescendants()):
            yield inline
            yield from _texts(child)
            inline = child.tail or ""
        else:
            inline += _html_text(child) + (child.tail or "")
    yield inline


def _html_text(element: Node) -> str:
    parts = [element.text or ""]
    for child in element:
        parts.append(" " if child.tag == "lb" else _html_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
