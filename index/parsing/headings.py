"""The cleaning rule that tells headings from lines that state something."""

import re
from dataclasses import replace

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.layout import CLOSED, QUOTES, STRUCTURED, Page, word_count
from sourcebook.index.words import STOP_WORDS

# `Label: value`. A number before the colon counts parts: `Chapter 2: Fees` is a heading.
LABELLED = re.compile(r"(?P<label>[^:]{1,60}?)\s?[:：]\s*(?P<value>\S.*)")
NUMBERED = re.compile(r"(?:\S+ )?(?:\d+(?:\.\d+)*|[IVXLC]+|[A-Z])")
# A figure with what it counts: `4.2 million`, `45 euros`, `7 %`, `9-14`; no year, and no number of
# a chapter.
AMOUNT = re.compile(
    r"(?<![\w.,/-])(?!(?:1\d|20|21)\d\d(?![\d.,]))(?P<figure>[€$£¥]?\d+(?:[.,:]\d+)*)"
    r"(?P<sign>\s?(?:[%‰°€$£¥½¼¾]|[-–]\s?\d))?(?:\s(?P<unit>[^\W\d_]+))?"
)


def headings(page: Page) -> Page:
    """Mark short lines without a full stop before a paragraph as headings.

    Three or more such lines in a row are a list and stay paragraphs, and so do lines that state a
    value, because headings are not quoted. Markdown and HTML mark their headings themselves, so
    they are left alone.
    """
    if page.marked:
        return page
    body = [p for p in page.pieces if p.kind is not BlockKind.CAPTION]
    marks = [is_short_line(p.text) and p.kind not in STRUCTURED for p in body] + [False]
    pieces, run = list(page.pieces), 0
    for at, (i, piece) in enumerate(
        (i, p) for i, p in enumerate(page.pieces) if p.kind is not BlockKind.CAPTION
    ):
        run = run + 1 if marks[at] else 0
        follows = at + 1 < len(body)
        ahead = marks[at + 1]
        alone = run == 1 and (not ahead or (at + 2 < len(body) and not marks[at + 2]))
        second = run == 2 and not ahead
        heads = follows and (alone or second) and not states_value(piece.text)
        kind = BlockKind.HEADING if heads else BlockKind.PARAGRAPH
        settled = piece.kind is kind or piece.kind in STRUCTURED
        pieces[i] = piece if settled else replace(piece, kind=kind)
    return replace(page, pieces=tuple(pieces))


def is_short_line(text: str) -> bool:
    """Whether `text` looks like a heading: short, capitalised, and not ending like a sentence."""
    opening = text.lstrip(QUOTES + "¿¡")[:1]
    return (
        len(text) <= 100
        and word_count(text) <= 14
        and opening.isalnum()
        and not opening.islower()
        and (text.endswith(("?", "？")) or not CLOSED.search(text))
        and "|" not in text
        and any(letter.isalpha() for letter in text)
    )


def states_value(text: str) -> bool:
    """Whether a short line is a fact: `Deadline: 30 June`, `Fee: none`, `Population 4.2 million`.

    `Chapter 2: Fees` and `The 2030 agenda` are none.
    """
    if found := LABELLED.fullmatch(text):
        return bool(not NUMBERED.fullmatch(found["label"]) or re.search(r"\d", found["value"]))
    return any(map(_is_amount, AMOUNT.finditer(text)))


def _is_amount(found: re.Match[str]) -> bool:
    unit, figure = found["unit"] or "", found["figure"]
    counts = unit.islower() and unit not in STOP_WORDS
    exact = found.start() > 0 and not figure.isdigit()
    return counts or exact or found["sign"] is not None
