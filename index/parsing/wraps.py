"""The cleaning rule for hard wraps: lines and words that were broken at the edge of a page."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sourcebook.index.parsing.layout import CLOSED, LIST_MARK, Page, Piece

# Words, and compounds such as `long-term` as one.
COMPOUND = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
# Two letters, so that the grade in `Grade A-` is no broken word.
BROKEN = re.compile(r"[^\W\d_]{2}[-‐]\Z")
# After a hyphen these show that a part is left out, as in `two- or three-year terms`.
AND = re.compile(r"(?:and|or|to|nor|but|und|oder|bis|y|e|o|u|et|ou)\b")
TIGHT = re.compile(r"\w[-‐]\Z|\d–\Z")


def hard_wraps(page: Page) -> Page:
    """Join lines that were wrapped at 50 to 100 characters, and words broken by a hyphen.

    The hyphen of a broken word goes, and that of a compound stays, as the rest of the text shows:
    by how either is written elsewhere, or because both parts stand there as words.
    """
    lines = page.pieces
    pairs = [i for i in range(1, len(lines)) if lines[i].glued]
    broken = {i for i in pairs if _is_broken(lines[i - 1].text, lines[i].text)}
    joins = _wraps(lines, pairs) | broken
    if not joins:
        return page
    seen = _words([line.text for line in lines], broken) if broken else Counter[str]()
    return replace(page, pieces=tuple(_joined(lines, joins, broken, seen)))


def _wraps(lines: Sequence[Piece], pairs: Sequence[int]) -> set[int]:
    """Those of the lines that continue the line before, if the text was wrapped."""
    width = _wrap_width([lines[i - 1].text for i in pairs] + [lines[i].text for i in pairs])
    joins = {i for i in pairs if width and _wrapped(lines[i - 1].text, lines[i].text, width)}
    inside = sum(not CLOSED.search(lines[i - 1].text) for i in joins)
    small = len(joins) < 3 and not all(lines[i].text[0].islower() for i in joins)
    return set() if small or 2 * len(joins) < len(pairs) or 2 * inside < len(joins) else joins


def _wrap_width(lines: Sequence[str]) -> int:
    """The width at which the lines seem to be wrapped, in characters; 0 if they are not."""
    lengths = sorted(len(line) for line in lines if len(line) <= 100)
    if not lengths or len(lengths) < 0.9 * len(lines):
        return 0
    width = lengths[int(0.95 * (len(lengths) - 1))]
    return width if width >= 50 else 0


def _wrapped(line: str, following: str, width: int) -> bool:
    """Whether `following` continues `line`, which had no room for its first word."""
    if LIST_MARK.match(following):
        return False
    if len(line) + 1 + len(following.split(" ", 1)[0]) > width - 4:
        return True
    return following[0].islower() and not CLOSED.search(line) and 2 * len(line) >= width


def _is_broken(line: str, following: str) -> bool:
    """Whether the last word of `line` goes on in `following`."""
    word = COMPOUND.match(following)
    return bool(
        BROKEN.search(line, max(0, len(line) - 3))
        and word
        and len(word.group()) > 1
        and word.group().islower()
        and not AND.match(following)
    )


def _words(lines: Sequence[str], broken: set[int]) -> Counter[str]:
    """How often each word stands in the lines, without the parts of broken ones."""
    seen: Counter[str] = Counter()
    for i, line in enumerate(lines):
        words = COMPOUND.findall(line.casefold().replace("‐", "-"))
        seen.update(words[int(i in broken) : len(words) - int(i + 1 in broken)])
    return seen


def _joined(
    lines: Sequence[Piece], joins: set[int], broken: set[int], seen: Counter[str]
) -> Iterator[Piece]:
    """The lines as paragraphs."""
    first, parts = 0, list[str]()
    for i, line in enumerate(lines):
        if i in joins:
            if i in broken and not _is_compound(parts[-1], line.text, seen):
                parts[-1] = parts[-1][:-1]
            elif not _is_tight(parts[-1], line.text):
                parts.append(" ")
        elif parts:
            yield replace(lines[first], text="".join(parts), end=lines[i - 1].end)
            first, parts = i, []
        parts.append(line.text)
    if parts:
        yield replace(lines[first], text="".join(parts), end=lines[-1].end)


def _is_compound(line: str, following: str, seen: Counter[str]) -> bool:
    """Whether the hyphen at the end of `line` is one of a compound, such as `long-term`."""
    last = COMPOUND.findall(line[-100:].casefold())[-1].replace("‐", "-")
    word = COMPOUND.match(following.casefold())
    second = word.group().replace("‐", "-") if word else ""
    whole, compound = seen[last + second], seen[f"{last}-{second}"]
    if whole != compound:
        return compound > whole
    return "-" in last or "-" in second or (seen[last] > 0 and seen[second] > 0)


def _is_tight(line: str, following: str) -> bool:
    """Whether no space belongs between a line that ends in a hyphen and the next."""
    return bool(TIGHT.search(line, max(0, len(line) - 2)) and not AND.match(following)) and (
        following[0].isalnum()
    )
