"""Parses web pages: extracts the article with trafilatura."""

import logging
from collections.abc import Iterator
from typing import Protocol

from trafilatura import bare_extraction, load_html
from trafilatura.settings import Document

from sourcebook.index.article import BlockKind
from sourcebook.index.errors import TooLargeError, UnreadableError
from sourcebook.index.parsing.markup import Parsed, compose
from sourcebook.index.parsing.page_metadata import page_metadata

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
    tree = load_html(page)
    if tree is None:
        raise _no_article(name)
    metadata = page_metadata(tree)
    document = bare_extraction(tree, include_comments=False, with_metadata=False)
    if not isinstance(document, Document) or document.body is None:
        raise _no_article(name)
    text, blocks = compose(_html_parts(document.body))
    if not text:
        raise _no_article(name)
    return Parsed(text=text, blocks=blocks, metadata=metadata)


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


def _html_parts(element: Node) -> Iterator[tuple[BlockKind, str]]:
    """The blocks below an element of the tree that trafilatura extracts."""
    if element.tag == "row":
        yield BlockKind.PARAGRAPH, " | ".join(_html_text(cell) for cell in element)
    elif not any(child.tag in HTML_BLOCKS for child in element.iterdescendants()):
        kind = BlockKind.HEADING if element.tag == "head" else BlockKind.PARAGRAPH
        yield kind, _html_text(element)
    else:
        yield from _html_mixed(element)


def _html_mixed(element: Node) -> Iterator[tuple[BlockKind, str]]:
    """The blocks of an element that contains both text and blocks."""
    inline = element.text or ""
    for child in element:
        if child.tag in HTML_BLOCKS or any(c.tag in HTML_BLOCKS for c in child.iterdescendants()):
            yield BlockKind.PARAGRAPH, inline
            yield from _html_parts(child)
            inline = child.tail or ""
        else:
            inline += _html_text(child) + (child.tail or "")
    yield BlockKind.PARAGRAPH, inline


def _html_text(element: Node) -> str:
    parts = [element.text or ""]
    for child in element:
        parts.append(" " if child.tag == "lb" else _html_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
