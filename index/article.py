"""An article: canonical text in blocks, with metadata about its origin."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from sourcebook.index.errors import InputError

# The fields of the metadata that people can correct.
CORRECTABLE = (
    "title", "authors", "publisher", "published", "modified", "url", "language", "tags",
)  # fmt: skip
PARTIAL_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def sha256(data: str | bytes) -> str:
    """The hex SHA-256 of `data` (a string is encoded as UTF-8)."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


CELLS = " | "  # between the cells of a table's row
# An empty cell leaves one space less.
CELL_ENDS = re.compile(r"(?:^| )\|(?= |$)")


def cells_of(text: str) -> list[str]:
    """The cells of a row, empty ones too: three of `| 2023 | 2024`; one of any other text."""
    return [cell.strip() for cell in CELL_ENDS.split(text)]


class BlockKind(StrEnum):
    """The kind of a block of canonical text. Headings are never quoted as evidence.

    A table has a `ROW` for each of its rows, its cells joined by `CELLS`, and a `HEADER` for each
    row that names its columns; an `ITEM` is a paragraph of a list.
    """

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    CAPTION = "caption"
    ITEM = "item"
    HEADER = "header"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, caption, item or row: the span `[start, end)`, in code points.

    `lead` is the index of the earlier block without which it is not understood: the header of a
    row, the lead-in of an item. It may need another one in turn.
    """

    kind: BlockKind
    start: int
    end: int
    lead: int | None = None

    @property
    def values(self) -> list[str | int]:
        """What a file or a database keeps of it; `Block.of` reads it back."""
        led = () if self.lead is None else (self.lead,)
        return [str(self.kind), self.start, self.end, *led]

    @classmethod
    def of(cls, kind: str, start: int, end: int, lead: int | None = None) -> "Block":
        """The block of these values. Raises `ValueError` for an unknown kind."""
        return cls(BlockKind(kind), start, end, lead)


class LeadKind(StrEnum):
    """What words are to others that are not understood without them."""

    HEADER = "header"
    LEAD_IN = "lead_in"
    HEADING = "heading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A header row, lead-in or heading: the words `text` at `[start, end)` of an article.

    What stands in `[first, last)` of the same article is not understood without them.
    """

    kind: LeadKind
    text: str
    start: int
    end: int
    first: int
    last: int

    def __post_init__(self) -> None:
        if not self.text or len(self.text) != self.end - self.start:
            raise ValueError(f"{self.text!r} cannot be the text of [{self.start}, {self.end})")
        if not self.end <= self.first < self.last:
            raise ValueError(f"{self.text!r} must stand before what it leads into")

    def leads(self, start: int, end: int) -> bool:
        """Whether all of `[start, end)` is not understood without it."""
        return self.first <= start and end <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The metadata of an article.

    Dates are ISO 8601, at the precision that is known: `2025`, `2025-09` or `2025-09-19`.
    `date_sources` names the origin of each known date: `front matter`, `text` or `caller`; of a
    web page `json-ld`, `meta`, `time`, `byline` or `address`.
    `extra` keeps the keys that Sourcebook has no field for.
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

    @property
    def host(self) -> str:
        """The host of its address without `www.`; empty where there is none."""
        return host_of(self.url)

    def facts(self) -> dict[str, Any]:
        """Its values by name, however deep they are."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def deeper_than(value: object, levels: int) -> bool:
    """Whether lists and mappings are nested more than so many levels deep."""
    level = [value]
    for _ in range(levels + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple | set) else []


def host_of(url: str | None) -> str:
    """The host of an address without `www.`; empty where it has none."""
    try:
        return (urlsplit(url or "").hostname or "").removeprefix("www.")
    except ValueError:  # such as an IPv6 address without its closing bracket
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Text that a rule removed, with its span in the decoded raw text.

    Of a web page that is the text of its article and all other running text, in the page's order,
    with empty lines between blocks. What the rule `extraction` removed was not taken for the
    article; what `beside the article` removed stands in a menu, a footer or readers' comments.
    """

    rule: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One source document: cleaned canonical text plus metadata.

    `source` identifies the origin (an address, a file's path or a name chosen by the caller):
    adding the same source again replaces the article. `id` is derived from the source and stays
    the same when the article is replaced. `sha256` is the hash of the canonical text, by which a
    citation recognises the version that it quotes.

    `metadata` is what users see. Where somebody corrected it, `parsed` holds what the page says, by
    the field's name.
    """

    source: str
    text: str
    blocks: tuple[Block, ...]
    metadata: Metadata
    raw: bytes = b""
    removals: tuple[Removal, ...] = ()
    parsed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InputError(f"The article {self.source!r} has no text; expected at least a word.")
        position = 0
        for number, block in enumerate(self.blocks):
            if block.lead is not None and not 0 <= block.lead < number:
                raise ValueError(f"{block} is led by no block before it")
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

    @property
    def as_parsed(self) -> Metadata:
        """Its metadata as the page says, without corrections."""
        return replace(self.metadata, **self.parsed)


@dataclass(frozen=True)
class CanonicalText:
    """The text of the article `id`, which quotes are taken from, without its metadata."""

    id: str
    text: str

    @cached_property
    def sha256(self) -> str:
        """The hex SHA-256 of the text."""
        return sha256(self.text)


def article_id(source: str) -> str:
    """The id of the article with this source."""
    return sha256(source)[:16]
