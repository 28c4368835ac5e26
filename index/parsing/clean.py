"""Cleans decoded text into canonical text in blocks, by an ordered table of rules."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sourcebook.index.article import Block, BlockKind, Metadata, Removal
from sourcebook.index.parsing.bylines import AFFILIATED, is_person, person_names
from sourcebook.index.parsing.captions import captions, photo_credits
from sourcebook.index.parsing.furniture import calls_to_action, paywalls, reading_pointers
from sourcebook.index.parsing.headings import headings
from sourcebook.index.parsing.layout import (
    Page,
    Piece,
    Rule,
    bare_punctuation,
    drop_caps,
    marked_up,
    segment,
    stray_characters,
)
from sourcebook.index.parsing.markup import placed
from sourcebook.index.parsing.masthead import date_lines, mastheads, site_addresses
from sourcebook.index.parsing.repeats import pull_quotes, repeated_body
from sourcebook.index.parsing.structure import Part, lists_and_tables
from sourcebook.index.parsing.wraps import hard_wraps

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
    text, blocks = placed([Part(p.kind, p.text) for p in page.pieces], _leads(page.pieces))
    return Cleaned(text=text, blocks=blocks, removals=removals, metadata=page.facts)


def _leads(pieces: Sequence[Piece]) -> Iterator[int | None]:
    """For each piece the index of its lead; None where that is gone, or a caption at the end."""
    places = {piece.start: number for number, piece in enumerate(pieces)}
    for number, piece in enumerate(pieces):
        lead = number if piece.lead is None else places.get(piece.lead, number)
        yield lead if lead < number else None


def _one_pass(page: Page) -> Page:
    for rule in RULES:
        page = rule.apply(replace(page, rule=rule.name))
    return page


def _settled(page: Page) -> Page:
    """The page in canonical form: every piece is a paragraph, captions are at the end."""
    pieces = [replace(p, glued=False) if p.glued else p for p in page.pieces]
    pieces.sort(key=lambda piece: piece.kind is BlockKind.CAPTION)
    return replace(page, pieces=tuple(pieces))


# A name as it is written in a title: `Foreign Policy`, `The Valley Courier`, `Wired.com`.
SITE = (
    r"(?P<site>[^\W\d_a-z][^\W\d]*(?:['’.&-]+[^\W\d]+)*"
    r"(?: (?:[^\W\d_a-z][^\W\d]*(?:['’.&-]+[^\W\d]+)*|of|the|and|for|&|de|del|la|y)){0,7})"
)
APPEARED = re.compile(rf"The post (?P<title>[^a-z].+) (?:first )?appeared first on {SITE}\.?")


def syndication_notices(page: Page) -> Page:
    """Remove `The post TITLE appeared first on SITE`; it gives title and publisher."""
    for piece in page.pieces:
        if len(piece.text) <= 400 and (match := APPEARED.fullmatch(piece.text)):
            page = page.learn(title=match["title"], publisher=match["site"])
    return page.drop_matching(APPEARED, longest=400)


# Digits are nowhere allowed: `This article was first published in 1951 ...` may be of a law.
REPUBLISHED = re.compile(
    r"This (?:article|story|essay|piece|post|commentary|analysis) "
    r"(?:(?:is|was|has been) )?(?:(?:originally|first) (?:published|appeared)"
    r"|republished|reprinted)(?: here)?(?: with permission)?(?: first)? "
    rf"(?:from|on|in|by|at) {SITE}"
    r"(?:, an? [^.\d]*| under an? [^.\d]* licen[cs]e| and is republished [^.\d]*"
    r"| with (?:the )?(?:kind )?permission[^.\d]*)?"
    r"(?:\. (?:It was )?written by:? [^\d]*|\. Read the original(?: article)?(?: here)?)?\.?"
)
WRITTEN_BY = re.compile(r"written by:? (?P<who>.+?)\.?$")


def republication_notices(page: Page) -> Page:
    """Remove `This article is republished from SITE ... written by NAME`; keep both as facts."""
    for piece in page.pieces:
        if len(piece.text) <= 600 and (match := REPUBLISHED.fullmatch(piece.text)):
            page = page.learn(publisher=match["site"])
            if who := WRITTEN_BY.search(piece.text):
                people = re.split(r" and |; ", who["who"])
                page = page.learn(authors=person_names(part.split(",")[0] for part in people))
    return page.drop_matching(REPUBLISHED, longest=600)


# Both are formulas, so that what somebody owns, or what views were expressed, stays.
DISCLOSURE = re.compile(
    r".*\bown shares in or receive funding from any (?:company|companies) or organi[sz]ations? "
    r"that would benefit from this article\b.*"
    r"|(?:The )?(?:views|opinions)(?: and (?:views|opinions))?,? (?:expressed|presented|stated) "
    r"(?:here|in (?:this|the) (?:article|piece|commentary|column|essay|post|blog|story|op-ed)) "
    r"(?:are|is) (?:solely |entirely |purely )?(?:those of the (?:author|writer|contributor)s?"
    r"|(?:the (?:author|writer|contributor)s?['’]s?|(?:his|her|their)) own)(?: alone| only)?"
    r"(?: and do(?:es)? not (?:necessarily )?(?:reflect|represent) [^\d]*)?\.?",
    re.IGNORECASE,
)


def disclosures(page: Page) -> Page:
    """Remove statements of interests, and that views are the author's own."""
    return page.drop_matching(DISCLOSURE, longest=600)


ABOUT = re.compile(r"about(?: the)?(?: authors?| writers?| contributors?)?:?|authors?:?", re.I)
# What a person is in the sentence about an author. An organisation is none of these.
ROLE = re.compile(
    r" (?:is|was) (?:an?|the) [^.;\d]{0,80}?\b(?:fellow|professor|lecturer|researcher|scholar"
    r"|journalist|reporter|correspondent|editor|writer|columnist|author|contributor|analyst"
    r"|advis[eo]r|director|student|candidate|historian|economist|lawyer|consultant|associate"
    r"|producer|photographer|freelancer)\b",
)


def _is_biography(text: str, name: str) -> bool:
    """Whether `text` says of this person what authors are, and no figure."""
    return (
        len(text) <= 600
        and is_person(name)
        and text.startswith(name)
        and not re.search(r"\d", text)
        and ROLE.match(text, len(name)) is not None
    )


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
    box, told = {label}, False
    found: list[str] = []
    written: list[str] = []  # the names as they stand there, which an honorific may begin
    for i in range(label + 1, min(label + 12, len(pieces))):
        text = pieces[i].text
        if not AFFILIATED.search(text) and (names := person_names([text])):
            found += names
            written.append(text)
        elif any(_is_biography(text, name) for name in (*found, *written)):
            told = True
        elif text != ":":
            break
        box.add(i)
    return (box, found) if told else (set(), [])


def author_notes(page: Page) -> Page:
    """Remove the closing sentence about an author: `Ann Lee is a fellow at ...`."""
    last = len(page.pieces) - 3
    return page.drop(
        i
        for i, piece in enumerate(page.pieces)
        if i >= max(last, 1) and any(_is_biography(piece.text, a) for a in page.facts.authors)
    )


RULES: tuple[Rule, ...] = (
    Rule("stray characters", stray_characters),
    Rule("hard wraps", hard_wraps),
    Rule("drop cap", drop_caps),
    Rule("syndication notice", syndication_notices),
    Rule("republication notice", republication_notices),
    Rule("disclosure", disclosures),
    Rule("reading pointer", reading_pointers),
    Rule("paywall notice", paywalls),
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
    Rule("list or table", lists_and_tables),
    Rule("heading", headings),
)
