"""What an element of a web page says of itself: whether it is shown, and where it stands."""

import re
from itertools import pairwise

from lxml.html import HtmlElement

from sourcebook.index.article import BlockKind

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# Elements that HTML shows below each other; all others run on in their line.
STACKED = HEADINGS | frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    )
)
SECTIONS = ("article", "body", "main", "section")
CAPTION = re.compile(r"(?:^|[\s_-])caption(?:$|[\s_-])")  # `wp-caption-text` of WordPress
# What stands beside an article, and not in it.
BESIDE_TAGS = frozenset(("aside", "footer", "nav"))
BESIDE_ROLES = frozenset(("banner", "complementary", "contentinfo", "dialog", "navigation"))
COMMENTS = re.compile(r"(?<![^\W_])(?:disqus|user-?)?comments?(?![^\W_])|disqus", re.IGNORECASE)
NO_DISPLAY = re.compile(r"display\s*:\s*none", re.IGNORECASE)
OWN_LINE = re.compile(r"display\s*:\s*(?:block|flex|grid|table)", re.IGNORECASE)
# The classes by which Bootstrap, Tailwind and WordPress hide something from all or most readers.
UNSEEN = frozenset(("hidden", "hide", "sr-only", "visually-hidden", "screen-reader-text"))


def stacked(element: HtmlElement) -> bool:
    """Whether an element stands in lines of its own."""
    tag = str(element.tag)
    return tag in STACKED or bool(OWN_LINE.search(element.get("style") or ""))


def unseen(element: HtmlElement) -> bool:
    """Whether an element says of itself that it is not shown."""
    return (
        element.get("hidden") is not None
        or element.get("role") == "tooltip"
        or bool(NO_DISPLAY.search(element.get("style") or ""))
        or not UNSEEN.isdisjoint((element.get("class") or "").split())
    )


def beside(element: HtmlElement) -> bool:
    """Whether an element says of itself that it stands beside the article."""
    return (
        element.tag in BESIDE_TAGS
        or element.get("role") in BESIDE_ROLES
        or (
            element.tag not in ("article", "body", "html", "main")
            and bool(COMMENTS.search(f"{element.get('id') or ''} {element.get('class') or ''}"))
        )
    )


def is_menu(element: HtmlElement) -> bool:
    """Whether an element within a line holds links that touch: no sentence, but what a hover shows.

    Of the names in a sentence at least a comma or a space stands between.
    """
    if element.tag != "span" or not len(element) or (element.text or "").strip():
        return False
    tags = [(child.tag, child.tail) for child in element]
    return any(one == ("a", None) and after == "a" for one, (after, _) in pairwise(tags))


def kind_of(element: HtmlElement) -> BlockKind:
    """The kind of the blocks directly in an element."""
    for around in (element, *element.iterancestors()):
        if around.tag in HEADINGS:
            return BlockKind.HEADING
        if around.tag in ("blockquote", "pre", "table", *SECTIONS):
            break
        if around.tag in ("figcaption", "figure", "caption") or CAPTION.search(
            around.get("class") or ""
        ):
            return BlockKind.CAPTION
    return BlockKind.PARAGRAPH
