"""What the database keeps, as values: filters, records and the rows that they come from."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sourcebook.index.article import Article, Block, BlockKind, Metadata, Removal, sha256
from sourcebook.index.passages import Passage, Span

Row = Any  # a sqlite3.Row: values by column name


IDENTITY = " || ' ' || ".join(
    f"articles.{column}" for column in ("title", "publisher", "authors", "source")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which articles a question is about; what is left empty does not constrain.

    The values of one field are alternatives; fields are combined with *and*. Names are compared
    without regard to case. A date bound keeps an article whose date, as precisely as it is known,
    may lie within the bound; an article without a date is left out by any bound.

    `as_of` hides what was published later. An article whose day of publication is unknown counts
    from the day when it was modified or retrieved, for by then it was out; one without any date is
    hidden, for nothing shows that it was.

    All of `words` must stand, in whole or as a part, in what identifies an article: its title,
    publisher, authors and source.
    """

    articles: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published_from: str | None = None
    published_to: str | None = None
    as_of: str | None = None
    words: tuple[str, ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """The condition on `articles` as SQL, and its values."""
        conditions = ["1"]
        values: list[Any] = []
        for column, wanted in (("id", self.articles), ("language", self.languages)):
            if wanted:
                conditions.append(f"articles.{column} IN ({marks(wanted)})")
                values += wanted
        if self.publishers:
            conditions.append(f"casefold(articles.publisher) IN ({marks(self.publishers)})")
            values += [name.casefold() for name in self.publishers]
        for column, wanted in (("authors", self.authors), ("tags", self.tags)):
            if wanted:
                members = f"SELECT casefold(value) FROM json_each(articles.{column})"
                anyof = " OR ".join([f"? IN ({members})"] * len(wanted))
                conditions.append(f"({anyof})")
                values += [name.casefold() for name in wanted]
        for word in self.words:
            conditions.append(f"instr(casefold({IDENTITY}), ?)")
            values.append(word.casefold())
        if self.published_from:
            # 2025 may lie after 2025-06: a prefix of the bound is compared as far as it goes.
            conditions.append("articles.published >= substr(?, 1, length(articles.published))")
            values.append(self.published_from)
        out = "coalesce(articles.published, articles.modified, articles.retrieved)"
        for day, until in (("articles.published", self.published_to), (out, self.as_of)):
            if until:
                conditions.append(f"substr({day}, 1, ?) <= ?")
                values += [len(until), until]
        return " AND ".join(conditions), values


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRecord:
    """An article in a list: everything but its text, with its standing in the library."""

    rowid: int
    id: str
    source: str
    sha256: str
    generation: int
    added: str
    characters: int
    passages: int
    copy_of: str | None
    metadata: Metadata


class StoredEncoding(NamedTuple):
    """An `Encoding` as bytes: float32, codes, uint32 and uint32."""

    pooled: bytes
    tokens: bytes
    pieces: bytes
    starts: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """How many articles, copies among them, a publisher has in a month.

    `month` is `2025-09`, or `2025` where no more is known, or None without a date.
    """

    month: str | None
    publisher: str
    articles: int
    copies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source that could not be added: why, how often it was tried and when last."""

    source: str
    kind: str
    message: str
    cure: str
    attempts: int
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuote:
    """Words that a judgement is about, as they stood at `[start, end)` of an article's text."""

    article_id: str
    source: str
    start: int
    end: int
    text: str
    text_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a reader said of an answer, or of what should have been answered."""

    id: str
    question: str
    verdict: str
    quotes: tuple[JudgedQuote, ...]
    note: str
    generation: int
    judged: str


def judgement_of(row: Row) -> Judgement:
    """The judgement of a row."""
    values = {field.name: row[field.name] for field in fields(Judgement)}
    values["quotes"] = tuple(JudgedQuote(**quote) for quote in json.loads(row["quotes"]))
    return Judgement(**values)


def text_hash(text: str) -> int:
    """A signed 64-bit hash of a passage's words, white space and case aside."""
    return int(sha256(" ".join(text.casefold().split()))[:16], 16) - 2**63


def marks(values: Iterable[Any]) -> str:
    """Question marks for so many values of an SQL statement."""
    return ", ".join("?" for _ in values)


def metadata_of(row: Row) -> Metadata:
    """The metadata in an article's row."""
    values = {field.name: row[field.name] for field in fields(Metadata)}
    for name in ("authors", "tags"):
        values[name] = tuple(json.loads(values[name]))
    for name in ("date_sources", "extra"):
        values[name] = json.loads(values[name])
    return Metadata(**values)


def article_of(row: Row) -> Article:
    """The whole article of a row."""
    return Article(
        source=row["source"],
        text=row["text"],
        blocks=tuple(Block(BlockKind(k), s, e) for k, s, e in json.loads(row["blocks"])),
        metadata=metadata_of(row),
        raw=row["raw"],
        removals=tuple(Removal(**removal) for removal in json.loads(row["removals"])),
    )


def record_of(row: Row) -> ArticleRecord:
    """The article of a row that `View` asked for without its text."""
    names = [field.name for field in fields(ArticleRecord) if field.name != "metadata"]
    return ArticleRecord(metadata=metadata_of(row), **{name: row[name] for name in names})


def passage_of(row: Row) -> Passage:
    """The passage of a row, joined with its article's id and sha256."""
    return Passage(
        article_id=row["article_id"],
        article_sha256=row["sha256"],
        start=row["start"],
        end=row["end"],
        text=row["text"],
        kind=BlockKind(row["kind"]),
        headings=tuple(json.loads(row["headings"])),
        sentences=tuple(Span(start, end) for start, end in json.loads(row["sentences"])),
    )
