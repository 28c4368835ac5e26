"""What a page states outside its text: meta tags, links, its title, and the headings it shows."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from lxml import etree
from lxml.html import HtmlElement

from sourcebook.index.parsing.elements import COMMENTS, unseen
from sourcebook.index.parsing.json_ld import Graph, read_graph
from sourcebook.index.parsing.tidy import MAX_LINE

# Parts of a page that are of others, beside comments: other articles, the site's own navigation.
OTHERS = re.compile(
    r"(?:^|[\s_-])(?:respond|related|recirc\w*|recommend\w*|sidebar|promo\w*|teasers?|trending"
    r"|popular|most-read|footer|nav|navbar|menu|newsletter|widget\w*|carousel|latest|more-stories"
    r"|read-next|up-next|outbrain|taboola|advert\w*|ads?|tweet|twitter-tweet|instagram-media|cookie\w*|modal"
    r"|caption|figcaption|photo-?credit|copyright)(?:$|[\s_-])",
    re.IGNORECASE,
)
# Names of a look rather than of a part: `header--nav-below`, `with-sidebar`, `caption-style`.
STYLED = ("style", "has-", "with-", "no-")
ASIDE = frozenset(
    {"aside", "footer", "nav", "figure", "figcaption", "blockquote", "form", "template"}
)
UNSEEN = frozenset({"script", "style", "noscript", "template"})
BLOCKS = frozenset(
    {
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "br",
        "section",
        "header",
        "h1",
        "h2",
        "h3",
        "h4",
        "td",
        "dd",
        "dt",
    }
)
MAX_PIECES = 400  # of a title, a byline or a date: far more than any has
MAX_TEXT = 5 * MAX_LINE  # characters of one, with the spaces of a page's source
LONG = 140  # characters: a paragraph of the body; bylines and standfirsts before it are shorter


@dataclass(frozen=True)
class PageHead:
    """A page's tree, read once: what is asked of it is kept."""

    tree: HtmlElement

    @cached_property
    def meta(self) -> dict[str, list[str]]:
        """The contents of its meta tags by property or name in lower case."""
        found: dict[str, list[str]] = {}
        for element in self.tree.iter("meta"):
            content = " ".join((element.get("content") or "").split())
            for attribute in ("property", "name", "itemprop"):
                if (label := element.get(attribute)) and 0 < len(content) <= MAX_LINE:
                    found.setdefault(label.strip().lower(), []).append(content)
        return found

    def first(self, *labels: str) -> str:
        """The first of these meta tags that says something; empty where none does."""
        return next((value for label in labels for value in self.meta.get(label, ())), "")

    @cached_property
    def graph(self) -> Graph:
        """Its JSON-LD."""
        scripts = self.tree.iter("script")
        return read_graph(
            script.text for script in scripts
            if "ld+json" in (script.get("type") or "").lower() and script.text
        )  # fmt: skip

    @cached_property
    def title(self) -> str:
        """The text of its title element."""
        found = (line_of(element) for element in self.tree.iter("title") if _in_head(element))
        return next((text for text in found if 0 < len(text) <= MAX_LINE), "")

    @cached_property
    def order(self) -> dict[HtmlElement, int]:
        """The place of each element in the document."""
        return {element: place for place, element in enumerate(self.tree.iter())}

    @cached_property
    def own(self) -> list[HtmlElement]:
        """The elements of its body that belong to its article, or may do, in order."""
        strange = self._within(_names_others)
        return [element for element in self._elements() if element not in strange]

    @cached_property
    def hidden(self) -> set[HtmlElement]:
        """The elements of its body that readers are not shown."""
        return self._within(unseen)

    def _elements(self) -> Iterator[HtmlElement]:
        return (e for e in self.order if isinstance(e.tag, str) and e.tag not in ("html", "body"))

    def _within(self, said: Callable[[HtmlElement], bool]) -> set[HtmlElement]:
        """The elements of which this is said, and all in them; not of most of the page's text."""
        paragraphs = sum(1 for _ in self.tree.iter("p"))
        found: set[HtmlElement] = set()
        for element in self._elements():
            if element.getparent() in found or (
                said(element) and 2 * sum(1 for _ in element.iter("p")) <= paragraphs
            ):
                found.add(element)
        return found

    @cached_property
    def headings(self) -> list[HtmlElement]:
        """The headings of the first three levels that it shows for its own article, in order."""
        found = (element for element in self.own if element.tag in ("h1", "h2", "h3"))
        return [
            element
            for element in found
            if element not in self.hidden and 0 < len(line_of(element)) <= MAX_LINE
        ]


def _in_head(element: HtmlElement) -> bool:
    return not any(above.tag == "svg" for above in element.iterancestors())


def _names_others(element: HtmlElement) -> bool:
    tokens = f"{element.get('class') or ''} {element.get('id') or ''}".split()
    labels = " ".join(
        token.split("--")[0] for token in tokens if not any(look in token for look in STYLED)
    )
    within = element.tag == "footer" and any(True for _ in element.iterancestors("article", "main"))
    return (
        (element.tag in ASIDE and not within)
        or OTHERS.search(labels) is not None
        or COMMENTS.search(labels) is not None
    )


def text_of(element: HtmlElement, most: int | None = None) -> str:
    """The text in an element, with line breaks where a block begins or ends.

    It is cut off after `most` pieces or MAX_TEXT characters, for whoever looks for a short text.
    """
    parts: list[str] = []
    size, longest = 0, None if most is None else MAX_TEXT
    walk = etree.iterwalk(element, events=("start", "end", "comment"))
    for event, each in walk:
        if most is not None and (len(parts) > most or size > MAX_TEXT):
            break
        if event == "start" and each.tag in UNSEEN:
            walk.skip_subtree()
        elif event == "start" or each is not element:
            text = (each.text if event == "start" else each.tail) or ""
            parts += ["\n" if each.tag in BLOCKS else "", text[:longest]]
            size += len(text)
    return "".join(parts)


def line_of(element: HtmlElement) -> str:
    """The text of an element on one line; of a long one, the beginning."""
    return " ".join(text_of(element, MAX_PIECES).split())
