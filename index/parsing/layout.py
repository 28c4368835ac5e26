"""Raw text as a page of pieces, and the cleaning rules that depend on form alone."""

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from sourcebook.index.article import Block, BlockKind, Metadata, Removal
from sourcebook.index.errors import TooLargeError
from sourcebook.index.parsing.characters import SOFT_HYPHEN, STRAY, as_seen, is_as_seen
from sourcebook.index.words import WORD

# A line takes about 300 bytes while it is cleaned, so a file of nothing but line breaks and letters
# would take gigabytes. No article has nearly as many lines.
MAX_LINES = 1_000_000

CLOSED = re.compile(r"[.!?…:;,。！？：；，、][\"'”’»)\]]*$")
ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]」』）]*$")  # as a sentence is
# Chinese and Japanese, which have no spaces; their words have about two characters.
UNSPACED = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
LIST_MARK = re.compile(r"(?:[-*•·–—‣▪>|]|\(?\w{1,3}[.)])\s")
# Signs that mean something alone in a table.
SIGNS = frozenset("-–—−%‰§&@#")
RULERS = frozenset("|=+~^<>`")
# A part of a list or table.
STRUCTURED = frozenset({BlockKind.ITEM, BlockKind.HEADER, BlockKind.ROW})
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
    lead: int | None = None  # where the piece starts without which this one is not understood

    @property
    def words(self) -> int:
        """The number of words in the piece."""
        return word_count(self.text)


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
            lead = None if block.lead is None else blocks[block.lead].start
            yield Piece(text, block.start, block.end, block.kind, lead=lead)


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
    """Remove characters that nobody sees, and compose the others (NFC).

    A word that a soft hyphen breaks at the end of a line is joined. Pieces keep their spans of the
    raw text, so whatever is removed later is quoted as it stands there.
    """
    if all(is_as_seen(piece.text) for piece in page.pieces):
        return page
    kept: list[Piece] = []
    removals: list[Removal] = []
    loose = soft = False
    for piece in page.pieces:
        if STRAY.search(piece.text):
            removals.extend(
                Removal(rule=page.rule, start=m.start(), end=m.end(), text=m.group())
                for m in STRAY.finditer(page.raw, piece.start, piece.end)
            )
        text = " ".join(as_seen(piece.text).split())
        if text and soft and piece.glued and kept:
            kept[-1] = replace(kept[-1], text=kept[-1].text + text, end=piece.end)
        elif text:
            kept.append(replace(piece, text=text, glued=piece.glued and not loose))
        loose, soft = not text, bool(text) and piece.text.endswith(SOFT_HYPHEN)
    return replace(page, pieces=tuple(kept), removals=page.removals + tuple(removals))


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
    """Remove lines of nothing but punctuation: stray full stops, rules and separators.

    A dash alone may stand for "none" in a table, a tick for "yes", and `%` for what it counts.
    """
    return page.drop(
        i
        for i, p in enumerate(page.pieces)
        if p.text not in SIGNS
        and all(unicodedata.category(c)[0] in "PZ" or c in RULERS for c in p.text)
    )


def word_count(text: str) -> int:
    """The number of words; in Chinese and Japanese two characters count as one."""
    spaced = text.count(" ") + 1
    return spaced if text.isascii() else spaced + len(UNSPACED.findall(text)) // 2


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
