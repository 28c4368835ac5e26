"""Cleans decoded text into canonical text in blocks, by an ordered table of rules."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sourcebook.index.article import Block, BlockKind, Metadata, Removal
from sourcebook.index.dates import iso_date
from sourcebook.index.parsing.captions import captions, photo_credits
from sourcebook.index.parsing.layout import (
    CLOSED,
    LIST_MARK,
    QUOTES,
    Page,
    Piece,
    Rule,
    bare_punctuation,
    drop_caps,
    hard_wraps,
    headings,
    is_name,
    marked_up,
    pull_quotes,
    repeated_body,
    segment,
    stray_characters,
    word_key,
)
from sourcebook.index.parsing.markup import compose

# Passes end when one changes nothing; real articles need two or three.
MAX_PASSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Canonical text in blocks, the removals, and the metadata completed from the text."""

    text: str
    blocks: tuple[Block, ...]
    removals: tuple[Removal, ...]
    metadata: Metadata


def clean(
    raw: str,
    known: Metadata | None = None,
    *,
    blocks: Sequence[Block] | None = None,
    removals: tuple[Removal, ...] = (),
    guess_title: bool = True,
) -> Cleaned:
    """Clean a decoded raw text.

    `known` metadata is completed from the text, never overwritten. `blocks` is the structure from
    markup; without it, lines and empty lines make the structure. `removals` is what the parser
    found to be no part of the article, in order. Cleaning the result again with
    its metadata changes nothing. Removals are spans of `raw`, in code points. Raises TooLargeError
    for more than MAX_LINES lines.
    """
    facts = known or Metadata()
    page = Page(
        raw=raw,
        pieces=tuple(segment(raw) if blocks is None else marked_up(raw, blocks, removals)),
        facts=facts,
        marked=blocks is not None,
        guess_title=guess_title and blocks is None,
        removals=removals,
    )
    for _ in range(MAX_PASSES):
        before = (page.pieces, page.facts)
        page = _settled(_one_pass(page))
        if (page.pieces, page.facts) == before:
            break
    removals = tuple(sorted(page.removals, key=lambda removal: removal.start))
    text, canonical = compose((piece.kind, piece.text) for piece in page.pieces)
    return Cleaned(text=text, blocks=canonical, removals=removals, metadata=page.facts)


def _one_pass(page: Page) -> Page:
    for rule in RULES:
        page = rule.apply(replace(page, rule=rule.name))
    return page


def _settled(page: Page) -> Page:
    """The page in canonical form: every piece is a paragraph, captions are at the end."""
    body = [replace(p, glued=False) for p in page.pieces if p.kind is not BlockKind.CAPTION]
    captions = [replace(p, glued=False) for p in page.pieces if p.kind is BlockKind.CAPTION]
    return replace(page, pieces=(*body, *captions))


APPEARED = re.compile(r"The post (?P<title>.+) (?:first )?appeared first on (?P<site>.+?)\.?")


def syndication_notices(page: Page) -> Page:
    """Remove `The post TITLE appeared first on SITE`; it gives title and publisher."""
    for piece in page.pieces:
        if len(piece.text) <= 400 and (match := APPEARED.fullmatch(piece.text)):
            page = page.learn(title=match["title"], publisher=match["site"])
    return page.drop_matching(APPEARED, longest=400)


REPUBLISHED = re.compile(
    r"(?:This|The) (?:article|story|essay|piece|post|commentary|analysis) "
    r"(?:is |was |has been )?(?:originally |first )*"
    r"(?:republished|reprinted|published|appeared)(?: here)?(?: with permission)? "
    r"(?:first )?(?:from|on|in|by|at) (?P<site>.+?)"
    r"(?:,.*|\.|\. .*| under .*| and is republished .*| on [A-Z\d].*| with permission.*)?"
)
WRITTEN_BY = re.compile(r"written by:? (?P<who>.+?)\.?$")


def republication_notices(page: Page) -> Page:
    """Remove `This article is republished from SITE ... written by NAME`; keep both as facts."""
    for piece in page.pieces:
        if len(piece.text) <= 600 and (match := REPUBLISHED.fullmatch(piece.text)):
            page = page.learn(publisher=match["site"])
            if who := WRITTEN_BY.search(piece.text):
                people = re.split(r" and |; ", who["who"])
                page = page.learn(authors=_names(part.split(",")[0] for part in people))
    return page.drop_matching(REPUBLISHED, longest=600)


def _names(candidates: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for c in candidates if is_name(name := c.strip())))


DISCLOSURE = re.compile(
    r".*(?:\bdo(?:es)? not work for, consult, own shares in\b"
    r"|\b(?:no|any) relevant affiliations beyond their academic appointment).*"
    r"|(?:The )?(?:views|opinions)(?: and (?:views|opinions))? (?:expressed|presented|stated)\b"
    r".*\b(?:author|writer|contributor|columnist|own)\b.*",
    re.IGNORECASE,
)


def disclosures(page: Page) -> Page:
    """Remove statements of interests, and that views are the author's own."""
    return page.drop_matching(DISCLOSURE, longest=600)


POINTER = re.compile(
    r"(?:read (?:more|also|next|on)|also read|see also|related(?: (?:articles?|stories|story|"
    r"content|links?|coverage|reading|topics?))?|more (?:on|from) th(?:is|e) .{1,40}|recommended"
    r"(?: for you)?|you (?:may|might) also like|further reading|don['’]t miss|lea también|"
    r"lee también|te puede interesar|lire aussi|à lire aussi|lesen sie auch|mehr zum thema|"
    r"leggi anche|leia também)\s*(?::.*[^.:;]|:|\.{3}|…|[»›>→])?",
    re.IGNORECASE,
)


def reading_pointers(page: Page) -> Page:
    """Remove lines that point to other articles, such as `Read more: ...` and `Related:`."""
    return page.drop_matching(POINTER, longest=250)


SHARE = (
    r"(?:share|tweet|e-?mail|print|save|copy(?: link)?|facebook|twitter|x|whatsapp|linkedin|reddit"
    r"|telegram|messenger|pinterest|bluesky|threads|mastodon|flipboard|pocket)"
)
CALL = re.compile(
    r"share (?:this|the) (?:article|story|page|post|video|link)\b.{0,40}|share (?:on|via) .{1,40}"
    r"|share(?: this)?:?|tweet(?: this)?:?|compartir|teilen|partager"
    rf"|{SHARE}(?:[\s,|/·•]+(?:and |or |on |via |to )*{SHARE})+"
    r"|(?:(?:like|find|join) us|follow [\w ]{1,30}) on "
    r"(?:x\b|twitter|facebook|instagram|linkedin|whatsapp|telegram|youtube|tiktok|bluesky"
    r"|threads|mastodon|google news|social media).{0,120}"
    r"|(?:please )?(?:sign up|subscribe|register)(?: now| today| here)?[.!]?"
    r"|(?:please )?(?:sign up|subscribe)\b.{0,60}\b(?:newsletters?|inbox|briefing|podcast|channel"
    r"|digest|magazine|mailing list|rss|e-?mail (?:alerts?|updates?|list|bulletins?))\b.{0,120}"
    r"|get (?:the|our|all)\b.{0,80}\b(?:in|to) your inbox.{0,60}"
    r"|already (?:a )?(?:subscriber|member|subscribed)\b.{0,60}"
    r"|(?:-+ ?)?(?:advertisement|advertising|sponsored(?: content)?|ad|anuncio|publicidad|anzeige"
    r"|publicité|pubblicità|publicidade)(?: ?-+)?"
    r"|(?:article|story) continues (?:below|after)\b.{0,40}"
    r"|skip to (?:main |the )?(?:content|navigation|main|search|footer)"
    r"|(?:we use cookies|this (?:web)?site uses cookies|by continuing to (?:use|browse)|"
    r"cookie (?:notice|settings|policy))\b.{0,300}\b(?:accept|agree|consent|settings|preferences)"
    r"\b.{0,80}|accept (?:all )?cookies|cookie settings|reject all|accept all"
    r"|(?:copyright )?(?:©|\(c\)|copyright) ?\d{4}\b.{0,120}|all rights reserved\.?"
    r"|(?:\d+|one|two|three|five|ten) ?-?min(?:ute)?s?(?: read| to read)"
    r"|(?:reading|read) time:? \d+ ?min(?:ute)?s?|listen to this (?:article|story)\b.{0,40}"
    r"|(?:post|leave|add|write) a comment|join the conversation|view (?:all )?comments"
    r"|(?:show|hide|view|load) (?:more|less|all|comments)|back to (?:the )?top|loading\b.{0,3}"
    r"|(?:please )?enable javascript.{0,80}|click here (?:to|for)\b.{0,80}(?:subscrib|newsletter|"
    r"download the app|share).{0,60}|download (?:the|our) app\b.{0,60}",
    re.IGNORECASE,
)


def calls_to_action(page: Page) -> Page:
    """Remove page furniture: share bars, sign-ups, ads, cookie notices."""
    return page.drop_matching(CALL, longest=400)


ABOUT = re.compile(r"about(?: the)?(?: authors?| writers?| contributors?)?:?|authors?:?", re.I)
BIOGRAPHY = re.compile(r"\b(?:is|are|was|were|writes|works|teaches|serves|leads|has)\b")


def author_boxes(page: Page) -> Page:
    """Remove `About`, a name, and the sentence on that person; the name becomes an author."""
    gone: set[int] = set()
    authors: list[str] = []
    for i, piece in enumerate(page.pieces):
        if ABOUT.fullmatch(piece.text):
            box, found = _author_box(page.pieces, i)
            gone |= box
            authors += found
    if authors:
        page = page.learn(authors=tuple(dict.fromkeys(authors)))
    return page.drop(gone)


def _author_box(pieces: Sequence[Piece], label: int) -> tuple[set[int], list[str]]:
    """The indexes of the box that starts with the label, and its names; empty if it is none."""
    box, found = {label}, []
    for i in range(label + 1, min(label + 12, len(pieces))):
        text = pieces[i].text
        if is_name(text):
            found.append(text)
        elif text != ":" and not (
            len(text) <= 600 and any(map(text.startswith, found)) and BIOGRAPHY.search(text)
        ):
            break
        box.add(i)
    return (box, found) if found else (set(), [])


ADDRESS = re.compile(
    r"(?P<host>(?:www\.[\w-]+(?:\.[\w-]+)*|(?:[\w-]+\.)+(?:com|org|net|info|news|eu))"
    r"(?:\.[a-z]{2,})?)/?",
    re.IGNORECASE,
)
DATE_LABEL = re.compile(
    r"(?:(?:first |originally )?(?:published|posted|publicado|publié|veröffentlicht)|date"
    r"|(?P<modified>(?:last )?(?:updated|modified|reviewed|edited|actualizado)))"
    r"(?: on| at)?:?\s+(?P<date>.{4,60})",
    re.IGNORECASE,
)
BYLINE = re.compile(
    r"(?:[Bb]y|BY|[Ww]ritten by|[Ss]tory by|Por|Par|Von)(?:\s*:)?\s++(?P<who>.{3,120})"
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
    """Move title, byline and dates from the top of the page to the metadata."""
    title = _title_place(page)
    gone: set[int] = set()
    if title is not None:
        gone.add(title)
        page = page.learn(title=page.pieces[title].text)
    for i, piece in enumerate(page.pieces[:HEAD]):
        if i not in gone:
            page, taken = _head_line(page, piece)
            gone |= {i} if taken else set()
    return page.drop(gone)


def _title_place(page: Page) -> int | None:
    """The index of the title: the first title-like line, or one before a byline or date."""
    if page.facts.title or not page.guess_title:
        return None
    top = [piece.text for piece in page.pieces[: HEAD + 1]]
    if not any(text.count(" ") > 10 and CLOSED.search(text) for text in top[1:]):
        return None
    places = [i for i, text in enumerate(top[:3]) if _is_title(text)]
    signed = [i for i in places if i + 1 < len(top) and _is_signature(top[i + 1])]
    return signed[0] if signed else 0 if places[:1] == [0] else None


def _is_title(text: str) -> bool:
    words = text.split()
    if not 3 <= len(words) <= 30 or len(text) > 300 or text[0].islower() or LIST_MARK.match(text):
        return False
    long = [word for word in words if len(word) > 3]
    capitals = sum(not word.lstrip(QUOTES)[:1].islower() for word in long)
    one_sentence = not CLOSED.search(text) or (text.endswith("?") and "." not in text)
    return one_sentence or capitals > 0.8 * len(long)


def _is_signature(text: str) -> bool:
    return (
        len(text) <= 130 and (iso_date(text) or DATE_LABEL.match(text) or _byline(text)) is not None
    )


def _byline(text: str) -> tuple[str, ...] | None:
    """The authors in a byline such as `By Ann Lee and Bo Diaz`; None for any other text."""
    match = BYLINE.fullmatch(text) if len(text) <= 130 else None
    if match is None:
        return None
    parts = re.split(r",? and | & |, |; | y | und | et ", match["who"].rstrip("."))
    found = _names(parts)
    return found if len(found) == len(parts) else None


def _head_line(page: Page, piece: Piece) -> tuple[Page, bool]:
    """The page with the facts in a line of its head, and whether that is all the line says."""
    text, facts = piece.text, page.facts
    if len(text) > 250 or piece.kind is BlockKind.CAPTION:
        return page, False
    if facts.title and word_key(text) == word_key(facts.title):
        return page, True
    if facts.publisher and text.casefold() == facts.publisher.casefold():
        return page, True
    if authors := _byline(text):
        return page.learn(authors=authors), True
    if date := iso_date(text) if len(text) > 7 else None:
        return _dated(page, date)
    return page, False


def _dated(page: Page, date: str, *, modified: bool = False) -> tuple[Page, bool]:
    """The page with the date added, and whether its metadata now agree with the text."""
    if len(date) < 10:
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
        if match and (date := iso_date(match["date"])):
            page, taken = _dated(page, date, modified=match["modified"] is not None)
            gone |= {i} if taken else set()
    return page.drop(gone)


def author_notes(page: Page) -> Page:
    """Remove the closing sentence about an author: `Ann Lee is a fellow at ...`."""
    authors = page.facts.authors
    last = len(page.pieces) - 3
    return page.drop(
        i
        for i, piece in enumerate(page.pieces)
        if i >= max(last, 1)
        and len(piece.text) <= 500
        and any(re.match(rf"{re.escape(a)} (?:is|was) (?:an?|the) ", piece.text) for a in authors)
    )


RULES: tuple[Rule, ...] = (
    Rule("stray characters", stray_characters),
    Rule("hard wraps", hard_wraps),
    Rule("drop cap", drop_caps),
    Rule("syndication notice", syndication_notices),
    Rule("republication notice", republication_notices),
    Rule("disclosure", disclosures),
    Rule("reading pointer", reading_pointers),
    Rule("call to action", calls_to_action),
    Rule("author box", author_boxes),
    Rule("bare punctuation", bare_punctuation),
    Rule("photo credit", photo_credits),
    Rule("caption", captions),
    Rule("site address", site_addresses),
    Rule("masthead", mastheads),
    Rule("date line", date_lines),
    Rule("author note", author_notes),
    Rule("repeated body", repeated_body),
    Rule("pull quote", pull_quotes),
    Rule("heading", headings),
)
