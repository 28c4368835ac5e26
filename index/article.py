"""An article: canonical text in blocks, plus what is known about where it came from."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from sourcebook.index.errors import InputError

PARTIAL_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def sha256(data: str | bytes) -> str:
    """The hex SHA-256 of `data` (a text counts as its UTF-8 bytes)."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


class BlockKind(StrEnum):
    """What a block of canonical text is; only headings are never quoted."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or caption: the span `[start, end)` of the text, in code points."""

    kind: BlockKind
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known about an article besides its text.

    Dates are ISO 8601, as precise as they are known: `2025`, `2025-09` or `2025-09-19`.
    `date_sources` says for each known date where it came from (`front matter`, `html`, `text`,
    `caller`). Keys that Sourcebook has no field for are kept in `extra`.
    """

    title: str = ""
    authors: tuple[str, ...] = ()
    publisher: str = ""
    published: str | None = None
    modified: str | None = None
    retrieved: str | None = None
    url: str | None = None
    language: str = ""
    tags: tuple[str, ...] = ()
    date_sources: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("published", "modified", "retrieved"):
            value = getattr(self, name)
            if value is not None and not PARTIAL_DATE.fullmatch(value):
                raise InputError(
                    f"{name} is {value!r}; expected a date such as 2025, 2025-09 or 2025-09-19."
                )
        if self.url is not None and not re.match(r"https?://\S+$", self.url):
            raise InputError(f"url is {self.url!r}; expected an http or https address.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Text that cleaning took out: which rule, and where in the decoded raw text it stood."""

    rule: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One source document: cleaned canonical text plus metadata.

    `source` identifies where it came from (an address, a file's URI or a name chosen by the
    caller): adding the same source again replaces the article. `id` derives from the source, so
    it survives a replacement; `sha256` is that of the canonical text, so a citation can tell.
    """

    source: str
    text: str
    blocks: tuple[Block, ...]
    metadata: Metadata
    raw: bytes = b""
    removals: tuple[Removal, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InputError(f"The article {self.source!r} has no text; expected at least a word.")
        position = 0
        for block in self.blocks:
            if not position <= block.start < block.end <= len(self.text):
                raise ValueError(f"{block} overlaps its neighbour or leaves the text")
            if self.text[position : block.start].strip():
                raise ValueError(f"text before {block} belongs to no block")
            position = block.end
        if self.text[position:].strip():
            raise ValueError("text after the last block belongs to no block")

    @property
    def id(self) -> str:
        """16 hex digits that name the article, derived from its source."""
        return article_id(self.source)

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the canonical text."""
        return sha256(self.text)


@dataclass(frozen=True)
class CanonicalText:
    """What quotes are taken from: the text of the article `id`, without all else about it."""

    id: str
    text: str

    @cached_property
    def sha256(self) -> str:
        """The hex SHA-256 of the text."""
        return sha256(self.text)


def article_id(source: str) -> str:
    """The id of the article that came from `source`."""
    return sha256(source)[:16]
