"""The rows of the training data: pairs, further passages, unanswerable questions."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Span = tuple[int, int]

# A document of SQuAD 2 that is kept from training, to measure near misses that people wrote.
HELD_DOCUMENT = ("squad2_dev", "Harvard University")
# One document of 40 is kept as well.
HELD_SHARE = 40


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the data: `question` is empty for a further passage.

    `span` is where people marked the answer in the passage, if they did.
    """

    set: str
    document: str
    title: str
    passage: str
    question: str = ""
    span: Span | None = None

    @classmethod
    def parse(cls, line: str) -> "Row":
        """A row of a JSON line with `set`, `doc`, `t`, `p`, and for questions `q` and `s`."""
        given: dict[str, Any] = json.loads(line)
        span = given.get("s")
        return cls(
            given["set"],
            str(given["doc"]),
            given.get("t") or "",
            given["p"],
            given.get("q") or "",
            (span[0], span[1]) if span else None,
        )

    @property
    def answer(self) -> str:
        """The words of the span, or nothing."""
        return self.passage[slice(*self.span)].strip() if self.span else ""

    @property
    def is_held(self) -> bool:
        """Whether its document is kept from the reader's training."""
        if self.set == HELD_DOCUMENT[0]:
            return (self.set, self.document) == HELD_DOCUMENT
        return zlib.crc32((self.set + self.document).encode()) % HELD_SHARE == 0


def read_rows(folder: Path, kind: str, left_out: Sequence[str]) -> list[Row]:
    """The rows of all files `*<kind>.jsonl.gz`, without those of the sets that are left out."""
    files = sorted(folder.glob(f"*{kind}.jsonl.gz"))
    return [row for file in files for row in _rows(file) if row.set not in left_out]


def _rows(file: Path) -> Iterator[Row]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(Row.parse, lines)
