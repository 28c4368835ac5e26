"""Cleaning rules for pictures: remove credits, and mark captions."""

import re
from dataclasses import replace

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.layout import PARTICLES, Page, Piece, is_name, word_key

PICTURE = re.compile(
    r"(?:photo(?:graph)?s?|images?|pictures?|illustrations?|graphics?|credits?)"
    r"(?: credits?)?(?:\s*[:/]| by\b| courtesy\b| from\b| via\b)\s*(?:by |of )?",
    re.IGNORECASE,
)
AGENCY = re.compile(
    r"\b(?:Getty(?: Images)?|AFP|REUTERS|Reuters|AP|Associated Press|EPA|EFE|Xinhua|Shutterstock"
    r"|Alamy|Anadolu|Bloomberg|NurPhoto|Flickr|Wikimedia|Unsplash|iStock|Pixabay|Pexels|dpa|ANSA"
    r"|Handout|HANDOUT|Zuma|ZUMA|Sipa|SIPA|Keystone)\b"
)
PICTURE_HOUSE = re.compile(
    r"(?:Getty Images|AP Photo|Shutterstock|Alamy(?: Stock Photo)?|iStock(?:photo)?|Unsplash"
    r"|Wikimedia Commons|Handout|HANDOUT|Pixabay|Pexels)"
)
# Runs of spaces are never divided in two ways, which would take time that grows with their square.
CREDITED = re.compile(
    r"(?P<bare>.+?)(?<!\s)\s*+(?:\((?P<inside>[^()]{3,150})\)|©\s*+(?P<after>.{3,80}))\.?"
)
LINKS = frozenset({"via", "for", "and", "of", "the", "courtesy", "by", "/", "|", "&", "-"})
LINKS |= PARTICLES


def is_credit(text: str) -> bool:
    """Whether `text` is nothing but a picture credit: `Photo by A. Name/AFP via Getty Images`."""
    rest = PICTURE.sub("", text, count=1) if (led := PICTURE.match(text)) else text
    words = rest.lstrip("©").replace("/", " ").split()
    if not 0 < len(words) <= 14 or not all(w in LINKS or not w[0].islower() for w in words):
        return False
    joined = "/" in rest or " via " in rest or "©" in rest
    agency = AGENCY.search(rest) is not None
    return (
        PICTURE_HOUSE.fullmatch(rest) is not None
        or (agency and joined)
        or (led is not None and (agency or is_name(rest) or len(words) <= 3))
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
    bare = {i: match["bare"] for i, piece in enumerate(page.pieces) if (match := _credited(piece))}
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
