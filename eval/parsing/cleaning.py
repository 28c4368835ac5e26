"""Measures cleaning: lines that resemble page furniture must stay, and furniture must go."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sourcebook.eval.parsing.table import Table
from sourcebook.index.article import Block, BlockKind, Metadata
from sourcebook.index.parsing.clean import Cleaned, clean
from sourcebook.index.parsing.markup import compose
from sourcebook.index.parsing.structure import Part

FOLDER = Path("tests/data")
KEPT, GONE = "not_boilerplate.txt", "boilerplate.txt"
GROUP = re.compile(r"## (\w\w)\b.*")
NOTE = (
    "Lines of policy texts that look like page furniture (laws, fees, health advice, minutes) "
    "must stay, and lines that are furniture must go. Each is put into a text and into blocks of "
    "markup, as the first line, between paragraphs and as the last. All were written for the "
    "purpose (`tests/data`), nearly all that must stay before the rules."
)
# The title is known, so that the first line is not taken for it.
KNOWN = Metadata(title="Fines for dumping are doubled")
BODY = (
    "The council voted on Tuesday to double the fines for dumping waste in the river, after two "
    "years of complaints from the villages downstream and a report by its own inspectors.",
    "The new rules take effect in March, and the town will spend the money that it collects on "
    "cleaner banks, on three inspectors and on a public record of every fine.",
)


class Line(NamedTuple):
    """A line with the two letters of its language."""

    language: str
    text: str


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file below their headings; `#` starts a comment."""
    language = ""
    for line in path.read_text("utf-8").splitlines():
        if group := GROUP.fullmatch(line):
            language = group[1]
        elif line and not line.startswith("#"):
            yield Line(language, line)


def placed(line: str) -> Iterator[tuple[str, Cleaned]]:
    """The places of a line in an article, each with what cleaning makes of it."""
    for at, place in enumerate(("first", "between", "last")):
        paragraphs = [*BODY[:at], line, *BODY[at:]]
        yield f"{place} of a text", clean("\n\n".join(paragraphs), KNOWN)
        text, blocks = compose(Part(BlockKind.PARAGRAPH, each) for each in paragraphs)
        yield f"{place} of blocks", clean(text, KNOWN, blocks=blocks)


def stays(line: str, cleaned: Cleaned) -> bool:
    """Whether the line is whole in the text, not moved, and nothing was removed."""
    found = [_text(cleaned, block) for block in cleaned.blocks if block.kind is not CAPTION]
    return line in found and len(found) == len(BODY) + 1 and not cleaned.removals


def goes(line: str, cleaned: Cleaned) -> bool:
    """Whether the line is removed, and nothing else."""
    return [removal.text for removal in cleaned.removals] == [line]


CAPTION = BlockKind.CAPTION


def _text(cleaned: Cleaned, block: Block) -> str:
    return cleaned.text[block.start : block.end]


def measure(shared: Path | None) -> Table | None:
    """By language, how many lines are told apart wherever they stand; needs no shared data."""
    del shared
    if not (FOLDER / KEPT).is_file():
        return None
    rows = []
    stay, go = list(lines(FOLDER / KEPT)), list(lines(FOLDER / GONE))
    for language in sorted({line.language for line in stay}):
        kept = [all(stays(t, c) for _, c in placed(t)) for lang, t in stay if lang == language]
        gone = [all(goes(t, c) for _, c in placed(t)) for lang, t in go if lang == language]
        counts = (f"{sum(kept)} of {len(kept)}", f"{sum(gone)} of {len(gone)}")
        rows.append((language, *counts))
    return Table("Cleaning", NOTE, ("language", "facts kept", "furniture removed"), tuple(rows))
