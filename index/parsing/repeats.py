"""Cleaning rules for what a page says twice."""

import re
from collections.abc import Sequence

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.layout import CLOSED, LIST_MARK, QUOTES, Page, Piece
from sourcebook.index.words import WORD

# A page with more lines that look like pull quotes is a list, and comparing them would be slow.
MAX_PULL_QUOTES = 2000

OPENING = re.compile(r"(?:^|[.!?…][\"'”’»]?\s|[\"“‘«„‹])[\"'“‘«„]*$")


def repeated_body(page: Page) -> Page:
    """Remove the second copy of a body, and of a paragraph that is repeated immediately.

    A copy is a run of paragraphs that makes up a quarter of the page. Shorter ones stay, because
    laws, forms and plans repeat themselves on purpose. If the first copy is at the top of the
    page, it is removed instead, so that title and standfirst between the copies precede the body.
    """
    pieces, first, gone, i = page.pieces, dict[str, int](), set[int](), 0
    enough = max(400, sum(len(piece.text) for piece in pieces) / 4)
    while i < len(pieces):
        start = first.setdefault(pieces[i].text, i)
        twice = i and pieces[i].text == pieces[i - 1].text and len(pieces[i].text) >= 40
        length = _run(pieces, start, i) if start < i and not twice else 1
        if twice:
            gone.add(i)
        elif start < i and sum(len(piece.text) for piece in pieces[i : i + length]) >= enough:
            copy = start if start <= 2 and start not in gone else i
            gone.update(range(copy, copy + length))
        i += length
    return page.drop(gone)


def _run(pieces: Sequence[Piece], start: int, again: int) -> int:
    """The number of pieces from `start` on that are repeated from `again` on."""
    length = 0
    while (
        again + length < len(pieces)
        and start + length < again
        and pieces[start + length].text == pieces[again + length].text
    ):
        length += 1
    return length


def pull_quotes(page: Page) -> Page:
    """Remove a line that only repeats a quotation, or a whole sentence, of another paragraph.

    It has at least eight words, begins with a capital, and has no full stop or is in quotation
    marks; so clauses of a law that another paragraph cites stay.
    """
    wanted: dict[str, list[int]] = {}
    for i, piece in enumerate(page.pieces):
        if _is_pull_quote(piece):
            wanted.setdefault(" ".join(WORD.findall(piece.text.casefold())[:5]), []).append(i)
    if not 0 < len(wanted) <= MAX_PULL_QUOTES:
        return page
    gone: set[int] = set()
    for i, piece in enumerate(page.pieces):
        if piece.words >= 8:
            gone |= _repeated_in(page.pieces, i, wanted)
    return page.drop(gone)


def _is_pull_quote(piece: Piece) -> bool:
    bare = piece.text.strip(QUOTES)
    return (
        piece.kind is not BlockKind.CAPTION
        and 8 <= piece.words <= 60
        and bare[:1].isupper()
        and not LIST_MARK.match(piece.text)
        and (len(bare) < len(piece.text) - 1 or not CLOSED.search(piece.text))
    )


def _repeated_in(pieces: Sequence[Piece], i: int, wanted: dict[str, list[int]]) -> set[int]:
    """Those of the `wanted` pieces, by their first five words, that piece `i` contains."""
    text = pieces[i].text
    words = [(m.group().casefold(), m.start(), m.end()) for m in WORD.finditer(text)]
    found: set[int] = set()
    for at in range(len(words) - 7):
        candidates = wanted.get(" ".join(word for word, _, _ in words[at : at + 5]), ())
        for candidate in candidates[:20]:  # more with the same opening are not pull quotes
            quote = WORD.findall(pieces[candidate].text.casefold())
            after = words[at : at + len(quote)]
            if (
                candidate != i
                and [word for word, _, _ in after] == quote
                and (len(words) > len(quote) and _set_off(text, after[0][1], after[-1][2]))
            ):
                found.add(candidate)
    return found


def _set_off(text: str, start: int, end: int) -> bool:
    """Whether the span is a whole sentence or quotation of `text`."""
    opens = OPENING.search(text[max(0, start - 6) : start])
    return bool(opens and re.match(r"[\"'”’»]*(?:[.,!?…]|$|[\"”’»])", text[end : end + 4]))
