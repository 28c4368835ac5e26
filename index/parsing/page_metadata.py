"""The metadata of a web page, from what the page states of itself; what it does not is left out."""

from lxml.html import HtmlElement

from sourcebook.index.article import Metadata, host_of
from sourcebook.index.parsing.json_ld import addresses
from sourcebook.index.parsing.markup import WEB_ADDRESS, names
from sourcebook.index.parsing.page_byline import authors_of
from sourcebook.index.parsing.page_dates import dates_of
from sourcebook.index.parsing.page_head import LONG, PageHead, line_of
from sourcebook.index.parsing.page_names import (
    beside_title,
    home_of,
    publisher_of,
    site_names,
    title_of,
)
from sourcebook.index.parsing.tidy import MAX_LINE

# Elements before and after a heading that may belong to it: a kicker, the date, the byline.
BEFORE = 60
AFTER = 400


def page_metadata(tree: HtmlElement) -> Metadata:
    """The title, authors, publisher, dates, address and tags that a page states.

    A statement in JSON-LD precedes one in a meta tag, and both precede what the page shows around
    its title; the title itself is written as the page shows it. `date_sources` says where each
    date is stated: `json-ld`, `meta`, `time`, `byline` or `address`.
    """
    head = PageHead(tree)
    url = _address(head)
    article = head.graph.article([head.first("og:title"), head.title, url or ""])
    host = host_of(url) or home_of(head)
    sites = site_names(head, article, host)
    title = title_of(head, article, sites, host)
    beside = beside_title(head, title, host)
    sites = tuple(dict.fromkeys([*sites, *filter(None, [beside])]))
    zone = _around(head, title)
    authors = authors_of(head, article, zone, sites)
    dates, sources = dates_of(head, article, zone, url)
    return Metadata(
        title=title,
        authors=authors,
        publisher=publisher_of(head, sites, authors, host),
        published=dates.get("published"),
        modified=dates.get("modified"),
        url=url,
        tags=_tags(head),
        date_sources=sources,
    )


def _address(head: PageHead) -> str | None:
    """The page's own address; one that leads to the site's front page is none."""
    links = [e.get("href") or "" for e in head.tree.iter("link") if e.get("rel") == "canonical"]
    stated = [*links, head.first("og:url"), head.first("twitter:url")]
    article = head.graph.article([head.first("og:title"), head.title])
    every = (each.strip() for each in (*stated, *addresses(article)))
    found = [each for each in every if len(each) <= MAX_LINE and WEB_ADDRESS.match(each)]
    deep = [each for each in found if each.split("//", 1)[1].strip("/").count("/")]
    return next(iter([*deep, *found]), None)


def _around(head: PageHead, title: str) -> list[HtmlElement]:
    """The elements from shortly before the title to the first long paragraph after it."""
    shown = {each for each in head.headings if line_of(each) == title}
    at = next((i for i, each in enumerate(head.own) if each in shown), None)
    start, found = max(0, (at or 0) - BEFORE), []
    for i, element in enumerate(head.own[start : start + BEFORE + AFTER], start):
        if i > (at or 0) and element.tag == "p" and len(line_of(element)) >= LONG:
            break
        found.append(element)
    return found


def _tags(head: PageHead) -> tuple[str, ...]:
    listed = (
        head.meta.get("article:tag") or head.meta.get("keywords") or head.meta.get("news_keywords")
    )
    return tuple(
        dict.fromkeys(tag for value in listed or () for tag in names(value, split_and=False))
    )
