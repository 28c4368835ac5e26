"""Cleaning rules for the head of a text: title, byline, dates and address become metadata."""

import re
from collections.abc import Sequence

from sourcebook.index.article import BlockKind
from sourcebook.index.dates import iso_date
from sourcebook.index.parsing.bylines import MAX_LINE, byline, is_person, plain_name, together
from sourcebook.index.parsing.layout import (
    CLOSED,
    LIST_MARK,
    QUOTES,
    Page,
    Piece,
    word_count,
    word_key,
)

ADDRESS = re.compile(
    r"(?P<host>(?:www\.[\w-]+(?:\.[\w-]+)*|(?:[\w-]+\.)+(?:com|org|net|info|news|eu))"
    r"(?:\.[a-z]{2,})?)/?",
    re.IGNORECASE,
)
DATE_LABEL = re.compile(
    r"(?:(?:first |originally )?(?:published|posted|publicado|publié|veröffentlicht)"
    r"|(?P<date_alone>date)"
    r"|(?P<modified>(?:last )?(?:updated|modified|reviewed|edited|actualizado)))"
    r"(?: on| at)?:?\s+(?P<date>.{4,60})",
    re.IGNORECASE,
)
# The place and date that begin a report: `BOGOTÁ, May 7, 2024 (Reuters) - The ministry ...`.
DATELINE = re.compile(
    r"[^\W\d_][\w .'’-]{1,40}, (?:[^\W\d_][\w .'’-]{1,30}, )?"
    r"(?P<date>[\w .]{3,14},? ?[12]\d{3})(?: ?\([^()]{2,40}\))? ?(?:[—–]|--?) ?(?=\S)"
)
INTRODUCES = re.compile(r"(?::|\b(?:at|visit|see|to|on))$")
HEAD = 8  # lines with title, kicker, byline, dates, reading time and tagline


def site_addresses(page: Page) -> Page:
    """Remove a bare web address, the tagline before it, and the title and date after it.

    The host becomes the publisher. An address with `https://`, or after a colon (`Apply here:`),
    is a reference and stays.
    """
    gone: set[int] = set()
    pieces = page.pieces
    for i, piece in enumerate(pieces):
        match = ADDRESS.fullmatch(piece.text) if len(piece.text) <= 80 else None
        if match and not (i and INTRODUCES.search(pieces[i - 1].text)):
            page = page.learn(publisher=match["host"].lower().removeprefix("www."))
            page, head = _title_and_date(page, i + 1)
            tagline = {i - 1} if i and _is_tagline(pieces[i - 1].text) else set()
            gone |= {i} | tagline | head
    return page.drop(gone)


def _is_tagline(text: str) -> bool:
    return text[0].islower() and len(text) <= 80 and not CLOSED.search(text)


def mastheads(page: Page) -> Page:
    """Move title, byline and dates from the top of the page to the metadata.

    Names alone are authors only between the title and a date: elsewhere they may as well be those
    of a place, or of a kind of document. Below the first paragraph of the body only a byline is
    one: a date is the body's.
    """
    title = _title_place(page)
    gone: set[int] = set()
    if title is not None:
        gone.add(title)
        page = page.learn(title=page.pieces[title].text)
    top = page.pieces[: HEAD + 1]
    body = next((i for i, piece in enumerate(top) if _is_prose(piece.text)), len(top))
    for i, piece in enumerate(top[:HEAD]):
        if i not in gone:
            named = _authors_alone(page, i) if i < body else ()
            page, taken = _head_line(page.learn(authors=named), piece, dated=i < body)
            gone |= {i} if taken or (named and page.facts.authors == named) else set()
    return _dateline(page, top[body].text if body < len(top) else "").drop(gone)


def _is_prose(text: str) -> bool:
    """Whether a line is a paragraph of the body."""
    return word_count(text) > 11 and CLOSED.search(text) is not None


def _dateline(page: Page, text: str) -> Page:
    """The page with the date that its first paragraph begins with; the paragraph stays whole."""
    match = DATELINE.match(text)
    date = iso_date(match["date"]) if match else None
    return page.learn(published=date) if date and len(date) == 10 else page


def _authors_alone(page: Page, i: int) -> tuple[str, ...]:
    """The authors in a line of names alone between the title and a date; else none."""
    around = [piece.text for piece in page.pieces[max(0, i - 1) : i + 2]]
    title = word_key(page.facts.title)
    if len(around) < 3 or not title or word_key(around[0]) != title:
        return ()
    names = _named_line(around[1], around[2])
    return () if any(_is_of_things(name, page) for name in names) else names


def _is_of_things(name: str, page: Page) -> bool:
    """Whether the text has a word of a name in lower case as well, or says "in" before the name.

    So it does of kinds of documents (`Fact Sheet`) and of places, and hardly of its author.
    """
    long = [word for word in name.split() if word != word.casefold() and len(word) > 2]
    common = rf"\b(?:{'|'.join(re.escape(word.casefold()) for word in long)})\b" if long else "(?!)"
    within = rf"\b(?:in|near|en) {re.escape(name)}\b"
    return any(re.search(f"{common}|{within}", piece.text) for piece in page.pieces)


def _named_line(text: str, following: str) -> tuple[str, ...]:
    """The names in a line of names alone that stands before a date; else none."""
    if len(text) > MAX_LINE or not _is_date(following):
        return ()
    names = tuple(plain_name(each) for each in together(text))
    return names if all(map(is_person, names)) else ()


def _is_date(text: str) -> bool:
    labelled = DATE_LABEL.fullmatch(text) if len(text) <= 90 else None
    return len(text) > 7 and iso_date(labelled["date"] if labelled else text) is not None


def _title_place(page: Page) -> int | None:
    """The index of the title: the first title-like line, or one before a byline or date."""
    if page.facts.title or not page.guess_title:
        return None
    top = [piece.text for piece in page.pieces[: HEAD + 1]]
    if not any(map(_is_prose, top[1:])):
        return None
    places = [i for i, text in enumerate(top[:3]) if _is_title(text)]
    signed = [i for i in places if _is_signed(top, i)]
    return signed[0] if signed else 0 if places[:1] == [0] else None


def _is_signed(top: Sequence[str], i: int) -> bool:
    """Whether a byline, a date, or a name before a date follows; a name below a line is none."""
    after, then = [*top[i + 1 : i + 3], "", ""][:2]
    if i and _named_line(top[i], after):
        return False
    return _is_signature(after) or bool(_named_line(after, then))


def _is_title(text: str) -> bool:
    words = text.split()
    if (
        not 3 <= word_count(text) <= 30
        or len(text) > 300
        or text[0].islower()
        or LIST_MARK.match(text)
    ):
        return False
    long = [word for word in words if len(word) > 3]
    capitals = sum(not word.lstrip(QUOTES)[:1].islower() for word in long)
    one_sentence = not CLOSED.search(text) or (text.endswith("?") and "." not in text)
    return one_sentence or capitals > 0.8 * len(long)


def _is_signature(text: str) -> bool:
    labelled = len(text) <= MAX_LINE and DATE_LABEL.match(text) is not None
    return bool(byline(text)) or labelled or _is_date(text)


def _head_line(page: Page, piece: Piece, *, dated: bool = True) -> tuple[Page, bool]:
    """The page with the facts in a line of its head, and whether that is all the line says."""
    text, facts = piece.text, page.facts
    if len(text) > 250 or piece.kind is BlockKind.CAPTION:
        return page, False
    if facts.title and word_key(text) == word_key(facts.title):
        return page, True
    if facts.publisher and text.casefold() == facts.publisher.casefold():
        return page, True
    if authors := byline(text):
        return page.learn(authors=authors), True
    if dated and (date := iso_date(text) if len(text) > 7 else None):
        return _dated(page, date)
    return page, False


def _dated(page: Page, date: str, *, modified: bool = False) -> tuple[Page, bool]:
    """The page with the date added, and whether its metadata now agree with the text."""
    if len(date) < len("2025-09"):
        return page, False
    page = page.learn(modified=date) if modified else page.learn(published=date)
    return page, date == (page.facts.modified if modified else page.facts.published)


def _title_and_date(page: Page, start: int) -> tuple[Page, set[int]]:
    """The page with the title at `start` and the date after it as facts, and their indexes."""
    pair = page.pieces[start : start + 2]
    if len(pair) < 2 or pair[0].words > 30 or not iso_date(pair[1].text):
        return page, set()
    page, gone = page.learn(title=pair[0].text), set[int]()
    for i, piece in enumerate(pair, start):
        page, taken = _head_line(page, piece)
        gone |= {i} if taken else set()
    return page, gone


def date_lines(page: Page) -> Page:
    """Remove `Published: ...` and `Last updated ...` anywhere, if the date is now known."""
    gone: set[int] = set()
    for i, piece in enumerate(page.pieces):
        match = DATE_LABEL.fullmatch(piece.text) if len(piece.text) <= 90 else None
        # "Date:" below the head is a line of minutes or of a form.
        if match and match["date_alone"] and i >= HEAD:
            continue
        if match and (date := iso_date(match["date"])):
            page, taken = _dated(page, date, modified=match["modified"] is not None)
            gone |= {i} if taken else set()
    return page.drop(gone)
