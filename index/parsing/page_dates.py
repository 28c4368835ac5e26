"""When a page was published and modified, from what states it, and where that is stated.

Nothing is read from the body of the article, nor guessed from a year in it.
"""

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from sourcebook.index.dates import CLOCK_INSIDE, MONTHS, iso_date, mentions
from sourcebook.index.parsing.json_ld import Node
from sourcebook.index.parsing.page_head import PageHead, line_of

Event = Literal["published", "modified"]

PUBLISHED = (
    "article:published_time", "og:article:published_time", "datepublished", "article:published",
    "og:published_time", "parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued",
    "dc.date.created", "dcterms.created", "dcterms.date", "dc.date", "citation_publication_date",
    "citation_date", "pubdate", "og:pubdate", "pub_date", "publish-date", "publish_date",
    "publication_date", "publishdate", "published", "published_at", "published_time",
    "article_date_original", "analyticsattributes.articledate", "date", "datecreated",
)  # fmt: skip
MODIFIED = (
    "article:modified_time", "og:article:modified_time", "datemodified", "og:updated_time",
    "article:modified", "dcterms.modified", "dc.date.modified", "dc.modified",
    "article_date_updated", "last-modified", "lastmod", "last_modified", "modified", "updated",
    "revision_date",
)  # fmt: skip
UNSET = "1970-01-01"  # the zero of a computer's clock, written where a date was never set
LABEL = re.compile(
    r"\b(?:(?P<modified>(?:last |zuletzt )?(?:updated|modified|reviewed|edited|revised"
    r"|actualizad[oa]|aktualisiert|mis à jour|aggiornato|atualizado))"
    r"|(?P<published>(?:first |originally )?(?:published|posted|created|publicad[oa]|publié"
    r"|publiziert|publicerad|veröffentlicht|pubblicato)))\b",
    re.IGNORECASE,
)
# The forms of a date in a byline; what their month means is told by `iso_date`.
WRITTEN = re.compile(
    r"(?<![\d./-])\d{1,4}[./-]\d{1,2}[./-](?:\d{4}|\d\d(?!\d))(?![/-])"
    rf"|(?<![^\W\d_])[^\W\d_]{{3,12}}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:{CLOCK_INSIDE})?[12]\d{{3}}"
    r"|(?<!\d)\d{1,2}(?:st|nd|rd|th|er|[.º])?[\s-]+(?:de\s+)?[^\W\d_]{3,12}\.?,?[\s-]+"
    r"(?:del?\s+)?[12]\d{3}"
    r"|(?<![^\W\d_])[^\W\d_]{3,12}\.?,?\s+(?:de\s+)?[12]\d{3}"
)
DATED = re.compile(
    r"(?:date|time|publish|posted|byline|meta|updated|modified|stamp|info)", re.IGNORECASE
)
IN_ADDRESS = re.compile(
    r"(?:/|-)(?P<year>(?:19|20)\d\d)[/-](?P<month>0[1-9]|1[0-2]|[a-z]{3})(?:[/-](?P<day>[0-2]\d|3[01]))?(?=[/.-]|$)"
)
MAX_LABELLED = 200  # characters of an element that holds a date; longer ones are prose


def dates_of(
    head: PageHead, article: Node, zone: Sequence[HtmlElement], url: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """The dates `published` and `modified` of a page, and the source of each.

    Sources are `json-ld`, `meta`, `time` (an element near the title), `byline` and `address`. A
    statement of a month stays one of a month. A change before the publication is no statement.
    """
    dates: dict[str, str] = {}
    sources: dict[str, str] = {}
    for event, date, source in _statements(head, article, zone, url):
        if event not in dates:
            dates[event], sources[event] = date, source
    if sources.get("published") in ("json-ld", "meta"):
        day, source = _shown_day(dates["published"], zone, url)
        dates["published"], sources["published"] = day, source or sources["published"]
    if dates.get("modified", "9") < dates.get("published", ""):
        del dates["modified"], sources["modified"]
    return dates, sources


def _shown_day(stated: str, zone: Sequence[HtmlElement], url: str | None) -> tuple[str, str]:
    """The day that the page shows for the stated one, and where; the stated one has no source.

    Machines are told the time in Greenwich, where it may be the day after that of the dateline.
    So may the address be, which counts only where readers are shown no day.
    """
    if len(stated) < len("2025-09-19"):
        return stated, ""
    shown = [
        *(
            (date, "time")
            for each in zone
            if each.tag == "time"
            for date in _shown_in(each, stated)
        ),
        *(
            (date, source)
            for event, date, source in _lines(zone, labelled=True, near=stated)
            if event == "published"
        ),
        *((date, source) for _, date, source in _lines(zone, labelled=False)),
    ]
    days = [(date, source) for date, source in shown if len(date) == len(stated)]
    if not days and len(address := date_in_address(url) or "") == len(stated):
        days = [(address, "address")]
    if days and days[0][0] in _next_to(stated) and all(date != stated for date, _ in days):
        return days[0]
    return stated, ""


def _shown_in(element: HtmlElement, stated: str) -> list[str]:
    """The date in the text of a `<time>`, unless it says that it is of a change."""
    text = line_of(element)
    said = LABEL.search(text) or LABEL.search(_text_before(element))
    if said and said["modified"]:
        return []
    return list(filter(None, [stated_date(text) or _without_year(text, stated)]))


def _without_year(text: str, stated: str) -> str | None:
    """The stated day, or one next to it, that a short text names without a year."""
    named = {mention.iso[-5:] for mention in mentions(text[:MAX_LABELLED])}
    return next((day for day in (stated, *_next_to(stated)) if day[-5:] in named), None)


def _next_to(day: str) -> list[str]:
    """The days before and after a day."""
    middle = datetime.date.fromisoformat(day)
    return [(middle + datetime.timedelta(days)).isoformat() for days in (-1, 1)]


def _statements(
    head: PageHead, article: Node, zone: Sequence[HtmlElement], url: str | None
) -> Iterator[tuple[Event, str, str]]:
    """What states a date, the most certain first."""
    for node in (article, head.graph.page()):
        yield from _stated("published", [node.get("datePublished")], "json-ld")
        yield from _stated("modified", [node.get("dateModified")], "json-ld")
    yield from _stated("published", (v for k in PUBLISHED for v in head.meta.get(k, ())), "meta")
    yield from _stated("modified", (v for k in MODIFIED for v in head.meta.get(k, ())), "meta")
    yield from _times(zone)
    yield from _times([each for each in head.own if _is_labelled_time(each)])
    yield from _lines(zone, labelled=True)
    address = date_in_address(url)
    yield from _stated("published", [address if len(address or "") == 10 else None], "address")
    yield from _lines(zone, labelled=False)
    yield from _stated("published", [address], "address")


def _stated(
    event: Event, values: Iterable[object], source: str
) -> Iterator[tuple[Event, str, str]]:
    for value in values:
        if date := stated_date(value):
            yield event, date, source


def stated_date(value: object) -> str | None:
    """The date in a value that is said to be one, as partial ISO 8601; None if there is none."""
    if not isinstance(value, str) or len(value) > MAX_LABELLED:
        return None
    date = iso_date(value) or _first_date(value)
    return None if date == UNSET else date


def _first_date(text: str) -> str | None:
    """The first date in a short text, with a year; a year alone is none."""
    for match in WRITTEN.finditer(text):
        short = re.sub(r"(?<=\d[./-])(\d\d)$", r"20\1", match[0])
        if (date := iso_date(short)) and len(date) > 4:
            return date
    return None


def _is_labelled_time(element: HtmlElement) -> bool:
    labels = f"{element.get('itemprop') or ''} {element.get('class') or ''}".lower()
    return (
        "datepublished" in labels.split()
        or "datemodified" in labels.split()
        or (element.tag == "time" and (element.get("pubdate") is not None or "publish" in labels))
    )


def _times(elements: Sequence[HtmlElement]) -> Iterator[tuple[Event, str, str]]:
    """The dates of `<time>` and of a date's itemprop; one without a label is of publication."""
    unlabelled: list[str] = []
    for element in elements:
        prop = (element.get("itemprop") or "").lower()
        if element.tag != "time" and "datepublished" not in prop and "datemodified" not in prop:
            continue
        text = line_of(element)
        date = stated_date(element.get("datetime") or element.get("content") or text)
        date = date or stated_date(text)
        if date is None:
            continue
        said = LABEL.search(text) or LABEL.search(_text_before(element))
        if "datemodified" in prop or (said and said["modified"]):
            yield "modified", date, "time"
        elif (
            "updated" in (classes := (element.get("class") or "").lower())
            and "publish" not in classes
        ):
            unlabelled.append(date)
        else:
            yield "published", date, "time"
    # Old templates call every date "updated".
    yield from (("published", date, "time") for date in unlabelled[:1])


def _text_before(element: HtmlElement) -> str:
    before = element.getprevious()
    tail = before.tail if before is not None else element.getparent().text
    return f"{line_of(before)[-30:] if before is not None else ''} {tail or ''}"[-40:]


def _lines(
    zone: Sequence[HtmlElement], *, labelled: bool, near: str | None = None
) -> Iterator[tuple[Event, str, str]]:
    """The dates in the lines around a title: after a label, or alone on a line or in a byline.

    After a label it may be one without a year, `near` a known day.
    """
    for element in zone:
        if element.tag in ("h1", "h2", "h3", "script", "style", "meta", "link", "time"):
            continue
        text = line_of(element)
        if not 6 <= len(text) <= MAX_LABELLED:
            continue
        labels = list(LABEL.finditer(text))
        if labelled:
            ends = [*(match.start() for match in labels), len(text)][1:]
            for label, end in zip(labels, ends, strict=False):
                said = text[label.end() : end][:40]
                if date := _first_date(said) or (_without_year(said, near) if near else None):
                    yield ("modified" if label["modified"] else "published"), date, "byline"
        elif date := _unlabelled(element, text[: labels[0].start()] if labels else text):
            yield "published", date, "byline"


def _unlabelled(element: HtmlElement, text: str) -> str | None:
    """The date of a line that is nothing else, or that its template calls a date or a byline."""
    named = f"{element.get('class') or ''} {element.get('id') or ''}"
    date = iso_date(text.strip(" |•·,-–")) or (_first_date(text) if DATED.search(named) else None)
    return date if date and len(date) > 4 else None


def date_in_address(url: str | None) -> str | None:
    """The date in the path of an address: `/2019/11/19/`, `/2019/nov/19/`; a month stays one."""
    match = IN_ADDRESS.search(urlsplit(url or "").path.lower())
    if match is None:
        return None
    month = match["month"] if match["month"].isdigit() else MONTHS.get(match["month"])
    if month is None:
        return None
    day = f"-{match['day']}" if match["day"] else ""
    return iso_date(f"{match['year']}-{int(month):02d}{day}")
