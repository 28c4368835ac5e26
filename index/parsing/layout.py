"""Raw text as a page of pieces, and the cleaning rules that depend on form alone."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from sourcebook.index.article import Block, BlockKind, Metadata, Removal
from sourcebook.index.errors import TooLargeError
from sourcebook.index.words import WORD

# A line takes about 300 bytes while it is cleaned, so a file of nothing but line breaks and letters
# would take gigabytes. No article has nearly as many lines.
MAX_LINES = 1_000_000

# A page with more lines that look like pull quotes is a list, and comparing them would be slow.
MAX_PULL_QUOTES = 2000

CLOSED = re.compile(r"[.!?…:;,][\"'”’»)\]]*$")
OPENING = re.compile(r"(?:^|[.!?…][\"'”’»]?\s|[\"“‘«„‹])[\"'“‘«„]*$")
LIST_MARK = re.compile(r"(?:[-*•·–—‣▪>|]|\(?\w{1,3}[.)])\s")
STRAY = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]+"
)
QUOTES = "\"'“”‘’«»„‹›"
PARTICLES = frozenset({"al", "bin", "da", "de", "del", "den", "der", "di", "do", "dos", "du"})
PARTICLES |= {"della", "el", "la", "le", "van", "von", "y"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A line or paragraph that becomes a block, with its span in the raw text."""

    text: str
    start: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH
    glued: bool = False  # there is no empty line between it and the piece before

    @property
    def words(self) -> int:
        """The number of words in the piece."""
        return self.text.count(" ") + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The state between two rules: the pieces left, the facts known, and the removals."""

    raw: str
    pieces: tuple[Piece, ...]
    facts: Metadata
    marked: bool
    guess_title: bool
    rule: str = ""
    removals: tuple[Removal, ...] = ()

    def drop(self, indexes: Iterable[int]) -> "Page":
        """The page without these pieces, which are recorded as removed by the current rule."""
        gone = set(indexes)
        if not gone:
            return self
        report = tuple(
            Removal(rule=self.rule, start=p.start, end=p.end, text=self.raw[p.start : p.end])
            for i, p in enumerate(self.pieces)
            if i in gone
        )
        kept = tuple(p for i, p in enumerate(self.pieces) if i not in gone)
        return replace(self, pieces=kept, removals=self.removals + report)

    def drop_matching(self, pattern: re.Pattern[str], *, longest: int) -> "Page":
        """The page without the pieces of at most `longest` characters that `pattern` matches."""
        return self.drop(
            i
            for i, p in enumerate(self.pieces)
            if len(p.text) <= longest and pattern.fullmatch(p.text)
        )

    def learn(
        self,
        *,
        title: str = "",
        publisher: str = "",
        authors: tuple[str, ...] = (),
        published: str | None = None,
        modified: str | None = None,
    ) -> "Page":
        """The page with facts added; known facts stay."""
        dates = {"published": published, "modified": modified}
        found = Metadata(
            title=title,
            publisher=publisher,
            authors=authors,
            published=published,
            modified=modified,
            date_sources={name: "text" for name, date in dates.items() if date},
        )
        return replace(self, facts=fill(self.facts, found))


@dataclass(frozen=True, slots=True)
class Rule:
    """A named step of cleaning; the docstring of its function says what it does."""

    name: str
    apply: Callable[[Page], Page]


def segment(raw: str) -> Iterator[Piece]:
    """The lines of `raw` that are not empty, with white space collapsed.

    Raises TooLargeError for more than MAX_LINES lines.
    """
    lines = raw.splitlines(keepends=True)
    if sum(map(bool, map(str.strip, lines))) > MAX_LINES:
        raise TooLargeError(
            f"The text has more than {MAX_LINES:,} lines; expected an article.",
            cure="Split it into several articles.",
        )
    position, glued = 0, False
    for line in lines:
        if text := " ".join(line.split()):
            start = position + len(line) - len(line.lstrip())
            yield Piece(text, start, position + len(line.rstrip()), glued=glued)
        glued = bool(text)
        position += len(line)


def marked_up(
    raw: str, blocks: Sequence[Block], removals: Sequence[Removal] = ()
) -> Iterator[Piece]:
    """The blocks of `raw` that markup gives, without what is removed from them in order.

    White space is collapsed.
    """
    cuts = deque(removals)
    for block in blocks:
        parts, position = [], block.start
        while cuts and cuts[0].start < block.end:
            cut = cuts.popleft()
            if cut.start >= block.start:
                parts.append(raw[position : cut.start])
                position = cut.end
        if text := " ".join("".join([*parts, raw[position : block.end]]).split()):
            yield Piece(text, block.start, block.end, block.kind)


def fill(known: Metadata, found: Metadata) -> Metadata:
    """`known` with its empty fields filled from `found`, and the sources of added dates."""
    missing = {
        field.name: getattr(found, field.name)
        for field in fields(Metadata)
        if field.name not in ("date_sources", "extra") and not getattr(known, field.name)
    }
    dates = {d: s for d, s in found.date_sources.items() if missing.get(d)}
    return replace(
        known,
        **missing,
        date_sources={**dates, **known.date_sources},
        extra={**found.extra, **known.extra},
    )


def stray_characters(page: Page) -> Page:
    """Remove control characters, zero-width characters, soft hyphens and lone surrogates."""
    if not STRAY.search(page.raw):
        return page
    kept: list[Piece] = []
    removals: list[Removal] = []
    loose = False
    for piece in page.pieces:
        if STRAY.search(piece.text):
            removals.extend(
                Removal(rule=page.rule, start=m.start(), end=m.end(), text=m.group())
                for m in STRAY.finditer(page.raw, piece.start, piece.end)
            )
        text = " ".join(STRAY.sub("", piece.text).split())
        if text:
            kept.append(replace(piece, text=text, glued=piece.glued and not loose))
        loose = not text
    return replace(page, pieces=tuple(kept), removals=page.removals + tuple(removals))


def hard_wraps(page: Page) -> Page:
    """Join lines that were wrapped at 50 to 100 characters into paragraphs."""
    lines = page.pieces
    pairs = [i for i in range(1, len(lines)) if lines[i].glued]
    width = _wrap_width([lines[i - 1].text for i in pairs] + [lines[i].text for i in pairs])
    joins = {i for i in pairs if width and _wrapped(lines[i - 1].text, lines[i].text, width)}
    inside = sum(not CLOSED.search(lines[i - 1].text) for i in joins)
    small = len(joins) < 3 and not all(lines[i].text[0].islower() for i in joins)
    if small or 2 * len(joins) < len(pairs) or 2 * inside < len(joins):
        return page
    return replace(page, pieces=tuple(_joined(lines, joins)))


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


def _joined(lines: Sequence[Piece], joins: set[int]) -> Iterator[Piece]:
    group: list[Piece] = []
    for i, line in enumerate(lines):
        if group and i not in joins:
            yield _merge(group, " ")
            group = []
        group.append(line)
    if group:
        yield _merge(group, " ")


def _merge(pieces: Sequence[Piece], glue: str) -> Piece:
    text = glue.join(piece.text for piece in pieces)
    return replace(pieces[0], text=text, end=pieces[-1].end)


def drop_caps(page: Page) -> Page:
    """Join an initial on a line of its own with the rest of its word: `O`, `nce hailed`.

    Letters of a glossary or of a list of choices stay as they are.
    """
    pieces = page.pieces
    caps = [i for i in range(len(pieces) - 1) if _is_drop_cap(pieces[i].text, pieces[i + 1])]
    if not caps or {"A", "B"} <= {pieces[i].text for i in caps}:
        return page
    firsts = {i + 1 for i in caps}
    seen = {
        word.casefold()
        for i, piece in enumerate(pieces)
        for word in WORD.findall(piece.text)[int(i in firsts) :]
    }
    merged = list(pieces)
    for i in reversed(caps):
        glue = _drop_cap_glue(pieces[i].text, pieces[i + 1].text, seen)
        merged[i : i + 2] = [_merge(pieces[i : i + 2], glue)]
    return replace(page, pieces=tuple(merged))


def _is_drop_cap(text: str, following: Piece) -> bool:
    letter = text.lstrip(QUOTES)
    if len(letter) != 1 or len(text) > 2 or not letter.isupper() or following.words < 8:
        return False
    first = following.text.split(" ", 1)[0]
    if first[0].casefold() == letter.casefold():
        return False
    return first[0].islower() or (len(first) > 1 and first.isupper() and letter not in "AI")


def _drop_cap_glue(text: str, following: str, seen: set[str]) -> str:
    """A space if the initial is a word of its own (`A`, `nation in crisis`), else nothing."""
    letter = text.lstrip(QUOTES)
    rest = WORD.match(following)
    if letter not in "AI" or rest is None:
        return ""
    whole = (letter + rest.group()).casefold()
    return " " if whole not in seen and rest.group().casefold() in seen else ""


def bare_punctuation(page: Page) -> Page:
    """Remove lines without a letter or digit: stray full stops, rules and separators."""
    return page.drop(i for i, p in enumerate(page.pieces) if not WORD.search(p.text))


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


def headings(page: Page) -> Page:
    """Mark short lines without a full stop before a paragraph as headings.

    Three or more such lines in a row are a list and stay paragraphs. Markdown and HTML mark their
    headings themselves, so they are left alone.
    """
    if page.marked:
        return page
    body = [p for p in page.pieces if p.kind is not BlockKind.CAPTION]
    marks = [is_short_line(p.text) for p in body] + [False]
    pieces, run = list(page.pieces), 0
    for at, (i, piece) in enumerate(
        (i, p) for i, p in enumerate(page.pieces) if p.kind is not BlockKind.CAPTION
    ):
        run = run + 1 if marks[at] else 0
        follows = at + 1 < len(body)
        ahead = marks[at + 1]
        alone = run == 1 and (not ahead or (at + 2 < len(body) and not marks[at + 2]))
        second = run == 2 and not ahead
        kind = BlockKind.HEADING if follows and (alone or second) else BlockKind.PARAGRAPH
        pieces[i] = replace(piece, kind=kind)
    return replace(page, pieces=tuple(pieces))


def is_short_line(text: str) -> bool:
    """Whether `text` looks like a heading: short, capitalised, and not ending like a sentence."""
    opening = text.lstrip(QUOTES + "¿¡")[:1]
    return (
        len(text) <= 100
        and text.count(" ") < 14
        and (opening.isupper() or opening.isdigit())
        and (text.endswith("?") or not CLOSED.search(text))
        and "|" not in text
        and any(letter.isalpha() for letter in text)
    )


def is_name(text: str) -> bool:
    """Whether `text` looks like a person's name: two to five capitalised words."""
    words = text.split()
    return (
        2 <= len(words) <= 5
        and words[-1] not in PARTICLES
        and all(
            word in PARTICLES
            or (word[0].isupper() and re.fullmatch(r"[^\W\d_][\w.'’-]*", word) is not None)
            for word in words
        )
    )


def word_key(text: str) -> str:
    """The words of `text` without case and punctuation, to compare texts by."""
    return " ".join(WORD.findall(text.casefold()))
