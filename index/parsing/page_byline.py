"""Who wrote a page: what its JSON-LD states, its byline shows, or its meta tags state."""

import re
from collections.abc import Iterable, Iterator, Sequence

from lxml.html import HtmlElement

from sourcebook.index.parsing.bylines import (
    LEAD,
    MAX_BYLINE,
    authors_in,
    is_person,
    key,
    names_nobody,
    plain_name,
    together,
)
from sourcebook.index.parsing.json_ld import Graph, Node, texts, types
from sourcebook.index.parsing.page_head import MAX_PIECES, PageHead, line_of, text_of

# What templates call a byline and the authors in it; not their pictures, biographies and links.
BYLINE = re.compile(r"(?:by-?lines?|authors?|writers?|contributors?|reporters?)", re.IGNORECASE)
NOT_BYLINE = re.compile(
    r"(?:bio|about|avatar|image|img|photo|pic|social|twitter|email|follow|title|affiliation|role|job|desc"
    r"|single-author|ad|icon|hidden)(?:$|[\s_-])",
    re.IGNORECASE,
)
AUTHOR_PAGE = re.compile(
    r"/(?:authors?|by|people|person|profiles?|staff|contributors?|reporters?|columnists?|writers?"
    r"|autor(?:es)?|team|bios?)/"
)
META = (
    "author", "article:author_name", "parsely-author", "sailthru.author", "dc.creator",
    "dcterms.creator", "dc.creator.personalname", "citation_author", "byl", "og:article:author",
    "article:author", "article_author", "analyticsattributes.author",
)  # fmt: skip


def authors_of(
    head: PageHead, article: Node, zone: Sequence[HtmlElement], sites: Iterable[str]
) -> tuple[str, ...]:
    """The authors that the page states, persons before organisations.

    `zone` are the elements around its title, where its byline stands; `sites` are the names of its
    publisher, which in a byline stand for whom an author works.
    """
    named = tuple(sites)
    stated = stated_authors(head.graph, article)
    seen = [element for element in zone if element not in head.hidden]
    shown = _shown_authors(seen, named) or _shown_authors(_marked(head), named)
    meta = _meta_authors(head, named)
    for found in (stated, shown, meta):
        if any(is_person(name) and not _is_site(name, named) for name in found):
            every = shown if set(found) < set(shown) and all(map(is_person, shown)) else found
            return tuple(_as_shown(every, shown))
    return next((found for found in (shown, stated, meta) if found), ())


def _is_site(name: str, sites: Sequence[str]) -> bool:
    """Whether a name is the site's, whole or shortened."""
    return any(key(name) == key(site) or key(site).startswith(key(name)) for site in sites)


def stated_authors(graph: Graph, article: Node) -> tuple[str, ...]:
    """The authors of a node of JSON-LD; an organisation is one name, however it is called."""
    found: list[str] = []
    for value in _each(article.get("author") or article.get("creator")):
        node = graph.resolved(value)
        whole = isinstance(node, dict) and any(
            k.lower().endswith("organization") for k in types(node)
        )
        for name in texts(node):
            found += [name] if whole and not names_nobody(name) else _stated(name)
    return tuple(dict.fromkeys(found))


def _each(value: object) -> Iterator[object]:
    yield from value if isinstance(value, list) else [value]


def _stated(text: str, sites: Sequence[str] = ()) -> list[str]:
    """The names in a text that is stated to be the author's name."""
    if names_nobody(text):
        return []
    parts = authors_in(text, elsewhere=sites)
    if parts and (LEAD.match(text) or len(parts) > 1 or re.search(r"[,|]|\s-\s", text)):
        return list(parts)
    name = plain_name(text)
    if names_nobody(name):
        return []
    return [plain_name(each) for each in together(name)] if is_person(name) else together(text)


def _shown_authors(elements: Sequence[HtmlElement], sites: Sequence[str]) -> tuple[str, ...]:
    """The names of the first byline among the elements, by its links to authors or its text."""
    for element in elements:
        if not _is_byline(element):
            continue
        line = line_of(element)
        if not 0 < len(line) <= MAX_BYLINE:
            continue
        links = {
            each.get("href"): line_of(each)
            for each in reversed(list(element.iter("a")))
            if _is_author_link(each) and line_of(each)
        }
        linked = [name for link in reversed(links.values()) for name in _stated(link, sites)]
        found = linked or _in_lines(text_of(element, MAX_PIECES), sites, marked=_is_marked(element))
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def _in_lines(text: str, sites: Sequence[str], *, marked: bool) -> list[str]:
    """The names in the lines of a byline's text: after "By", or the first line that is a name."""
    lines = [line for line in (" ".join(line.split()) for line in text.splitlines()) if line]
    for first, second in zip(lines, [*lines[1:], ""], strict=True):
        line = f"{first} {second}" if first.rstrip(":").lower() == "by" else first
        if found := authors_in(line, elsewhere=sites):
            return list(found)
        if (led := LEAD.match(line)) or (marked and len(lines) == 1):
            name = line[led.end() :] if led else line
            if len(name.split()) <= 6 and not names_nobody(name) and not re.search(r"\d", name):
                return _stated(name)
    return []


def _is_byline(element: HtmlElement) -> bool:
    if _is_marked(element):
        return True
    labels = (
        f"{element.get('class') or ''} {element.get('id') or ''} {element.get('data-testid') or ''}"
    )
    return bool(BYLINE.search(labels)) and not NOT_BYLINE.search(labels)


def _is_marked(element: HtmlElement) -> bool:
    """Whether markup, and no name of a template, says that an element holds an author."""
    rel, prop = element.get("rel") or "", element.get("itemprop") or ""
    return "author" in rel.split() or "author" in prop.split()


def _is_author_link(element: HtmlElement) -> bool:
    return "author" in (element.get("rel") or "").split() or bool(
        AUTHOR_PAGE.search(element.get("href") or "")
    )


def _marked(head: PageHead) -> list[HtmlElement]:
    """The elements anywhere in the article that are marked as its author."""
    return [
        element
        for element in head.own
        if element.tag not in ("meta", "link") and _is_marked(element)
    ]


def _meta_authors(head: PageHead, sites: Sequence[str]) -> tuple[str, ...]:
    for label in META:
        found = [name for value in head.meta.get(label, ()) for name in _stated(value, sites)]
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def _as_shown(stated: Sequence[str], shown: Sequence[str]) -> Iterator[str]:
    """The stated names, each as the byline writes it, which may add an initial or an accent."""
    for name in stated:
        first, last = key(name.split()[0]), key(name.split()[-1])
        same = (
            each
            for each in shown
            if is_person(each) and (key(each.split()[0]), key(each.split()[-1])) == (first, last)
        )
        yield next(same, name) if " " in name else name
