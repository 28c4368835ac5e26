"""Cleaning rules for pictures: remove credits, and mark captions."""

import re
from dataclasses import replace

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.layout import PARTICLES, Page, Piece, is_name, word_key

PICTURE = re.compile(
    r"(?:photo(?:graph)?s?|images?|pictures?|illustrations?|graphics?|credits?)"
    r"(?P<credits> credits?)?"
    r"(?:\s*[:/]|(?P<by> (?:by|courtesy)\b(?!\s*:))| from\b| via\b)\s*(?:by |of )?",
    re.IGNORECASE,
)
AGENCIES = (
    r"(?:(?:Getty|AFP|REUTERS|Reuters|AP|Associated Press|EPA|EFE|Xinhua|Shutterstock|Alamy|Anadolu"
    r"|Bloomberg|NurPhoto|Flickr|Wikimedia|Unsplash|iStock|Pixabay|Pexels|dpa|ANSA|Handout|HANDOUT"
    r"|Zuma|ZUMA|Sipa|SIPA|Keystone)"
    r"(?: (?:Images|Photo|Stock Photo|Commons|Agency|News|USA|Press))?"
    r"|iStockphoto)"
)
AGENCY = re.compile(AGENCIES)
PICTURE_HOUSE = re.compile(
    r"(?:Getty Images|AP Photo|Shutterstock|Alamy(?: Stock Photo)?|iStock(?:photo)?|Unsplash"
    r"|Wikimedia Commons|Pixabay|Pexels)"
)
INITIAL = re.compile(r"\b[A-Z]\. ")
BETWEEN = re.compile(r"/| via | for ")
# Runs of spaces are never divided in two ways, which would take time that grows with their square.
CREDITED = re.compile(
    r"(?P<bare>.+?)(?<!\s)\s*+(?:\((?P<inside>[^()]{3,150})\)|©\s*+(?P<after>.{3,80}))\.?"
)
LINKS = frozenset({"via", "for", "and", "of", "the", "courtesy", "by", "/", "|", "&", "-"})
LINKS |= PARTICLES
# What may be a caption where markup says what a block is; a heading, an item or a row is none.
MAY_BE = (BlockKind.PARAGRAPH, BlockKind.CAPTION)


def is_credit(text: str) -> bool:
    """Whether `text` is nothing but a picture credit: `Photo by A. Name/AFP via Getty Images`.

    It names an agency last, or a person after words that only a credit has. `Photo: Passport Size`
    and `Credit from: Central Bank` have the form of a credit and may be anything.
    """
    led = PICTURE.match(text)
    rest = text[led.end() :] if led else text
    words = rest.lstrip("©").replace("/", " ").split()
    if not 0 < len(words) <= 14 or not all(w in LINKS or not w[0].islower() for w in words):
        return False
    if re.search(r"[\d:]", rest):
        return False
    first, *others = (part.strip("© ") for part in BETWEEN.split(rest))
    agency = AGENCY.fullmatch(others[-1] if others else first) is not None
    how = (led["by"] or "").strip().casefold() if led else ""
    sure = led is not None and (how or led["credits"] or INITIAL.match(rest))
    return (
        PICTURE_HOUSE.fullmatch(rest) is not None
        or (agency and (bool(others) or led is not None or "©" in rest))
        or (bool(sure) and (is_name(first) or how == "courtesy"))
    )


def photo_credits(page: Page) -> Page:
    """Remove picture credits on lines of their own: `FILE/Handout`, `Photo: A. Name`."""
    return page.drop(
        i
        for i, piece in enumerate(page.pieces)
        if len(piece.text) <= 120 and is_credit(piece.text.strip("().[]"))
    )


def captions(page: Page) -> Page:
    """Mark paragraphs that end in a picture credit as captions; remove copies without credit."""
    bare = {
        i: match["bare"]
        for i, piece in enumerate(page.pieces)
        if not (page.marked and piece.kind not in MAY_BE) and (match := _credited(piece))
    }
    given = {i for i, p in enumerate(page.pieces) if p.kind is BlockKind.CAPTION}
    if not bare and not given:
        return page
    marked = tuple(
        replace(p, kind=BlockKind.CAPTION) if i in bare else p for i, p in enumerate(page.pieces)
    )
    without_credit = {word_key(text) for text in bare.values()}
    copies: set[int] = set()
    seen: set[str] = set()
    for i, piece in enumerate(marked):
        key = word_key(piece.text)
        if key in (seen if piece.kind is BlockKind.CAPTION else without_credit):
            copies.add(i)
        if piece.kind is BlockKind.CAPTION:
            seen.add(key)
    return replace(page, pieces=marked).drop(copies)


def _credited(piece: Piece) -> re.Match[str] | None:
    """The match of a caption with its credit; None for a piece without a credit at its end."""
    text = piece.text
    if len(text) > 700 or not (text.rstrip(".").endswith(")") or "©" in text):
        return None
    match = CREDITED.fullmatch(text)
    return match if match and is_credit((match["inside"] or match["after"]).rstrip(".")) else None
