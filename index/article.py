"""An article: canonical text in blocks, with metadata about its origin."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from sourcebook.index.errors import InputError

PARTIAL_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def sha256(data: str | bytes) -> str:
    """The hex SHA-256 of `data` (a string is encoded as UTF-8)."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


class BlockKind(StrEnum):
    """The kind of a block of canonical text. Headings are never quoted."""

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
    """Text that a cleaning rule removed, with its span in the decoded raw text."""

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
