"""Parses web pages: extracts the article and its metadata with trafilatura."""

import logging
from collections.abc import Iterator
from typing import Protocol

from trafilatura import bare_extraction
from trafilatura.settings import Document

from sourcebook.index.article import CELLS, BlockKind, Metadata
from sourcebook.index.dates import iso_date
from sourcebook.index.errors import TooLargeError, UnreadableError
from sourcebook.index.parsing.markup import WEB_ADDRESS, Parsed, compose, names
from sourcebook.index.parsing.structure import Part, table

# Extraction takes the longer for each element the more of them there are: 2 s for 20,000 empty
# paragraphs, 12 s for 50,000. The longest articles of Wikipedia have about 40,000.
MAX_TAGS = 50_000
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
    document = bare_extraction(page, include_comments=False, with_metadata=True)
    if not isinstance(document, Document) or document.body is None:
        raise _no_article(name)
    text, blocks = compose(_html_parts(document.body))
    if not text:
        raise _no_article(name)
    return Parsed(text=text, blocks=blocks, metadata=_html_metadata(document))


def _no_article(name: str) -> UnreadableError:
    return UnreadableError(
        f"No article was found in {name}; expected a web page with running text.",
        cure="Save the page after it has loaded, or paste its text into a .txt file.",
    )


def _html_metadata(document: Document) -> Metadata:
    published = iso_date(document.date or "")
    url = str(document.url or "")
    return Metadata(
        title=" ".join((document.title or "").split()),
        authors=names((document.author or "").split(";")),
        publisher=document.sitename or document.hostname or "",
        published=published,
        url=url if WEB_ADDRESS.match(url) else None,
        language=(document.language or "")[:2].lower(),
        tags=names(document.tags or []),
        date_sources={"published": "html"} if published else {},
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

    def get(self, key: str, default: str) -> str:
        """An attribute."""


HTML_BLOCKS = ("p", "head", "item", "row", "quote", "code", "list", "table", "div")


def _html_parts(element: Node, depth: int = 0) -> Iterator[Part]:
    """The blocks below an element of the tree that trafilatura extracts, in `depth` lists."""
    if element.tag == "list" or element.get("rend", "").startswith("dd-"):
        depth += 1  # what describes a term is a list in its item
    if element.tag == "row":
        yield Part(BlockKind.ROW, CELLS.join(_html_text(cell) for cell in element))
    elif element.tag == "table" and all(child.tag == "row" for child in element):
        yield from table([_html_row(row) for row in element])
    elif not any(child.tag in HTML_BLOCKS for child in element.iterdescendants()):
        if element.tag == "head":
            yield Part(BlockKind.HEADING, _html_text(element))
        else:
            yield _html_running(_html_text(element), depth)
    else:
        yield from _html_mixed(element, depth)


def _html_mixed(element: Node, depth: int) -> Iterator[Part]:
    """The blocks of an element that contains both text and blocks."""
    inline = element.text or ""
    for child in element:
        if child.tag in HTML_BLOCKS or any(c.tag in HTML_BLOCKS for c in child.iterdescendants()):
            yield _html_running(inline, depth)
            yield from _html_parts(child, depth)
            inline = child.tail or ""
        else:
            inline += _html_text(child) + (child.tail or "")
    yield _html_running(inline, depth)


def _html_running(text: str, depth: int) -> Part:
    return Part(BlockKind.ITEM if depth else BlockKind.PARAGRAPH, text, depth)


def _html_row(row: Node) -> tuple[list[str], bool]:
    """The cells of a row, and whether each that is not empty is a header."""
    cells = [(_html_text(cell).strip(), cell.get("role", "") == "head") for cell in row]
    full = [head for text, head in cells if text]
    return [text for text, _ in cells], bool(full) and all(full)


def _html_text(element: Node) -> str:
    parts = [element.text or ""]
    for child in element:
        parts.append(" " if child.tag == "lb" else _html_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
