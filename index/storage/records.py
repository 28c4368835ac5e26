"""The values that the database keeps, made from its rows, and the filter that selects articles."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar

from sourcebook.index.article import (
    Article,
    Block,
    BlockKind,
    CanonicalText,
    Lead,
    LeadKind,
    Metadata,
    Removal,
    article_id,
    sha256,
)
from sourcebook.index.corrections import from_json
from sourcebook.index.errors import DamagedError, InputError
from sourcebook.index.passages import Passage, Span
from sourcebook.index.storage.row_checksums import (
    BODY,
    CORRECTIONS,
    JUDGEMENT,
    LINK,
    RECORD,
    WORDS,
    checksum_of,
)

Row = Any  # a sqlite3.Row: values by column name
Made = TypeVar("Made")

# What a damaged row raises when a value is made from it.
UNREADABLE = (ValueError, TypeError, KeyError, RecursionError, InputError)

log = logging.getLogger(__name__)


REPAIR = "Repair it: sourcebook check --repair"

IDENTITY = " || ' ' || ".join(
    f"articles.{column}" for column in ("title", "publisher", "authors", "source")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The articles that a question is restricted to; an empty field does not restrict.

    The values of one field are alternatives; fields are combined with *and*. Names are compared
    case-insensitively. A date bound keeps articles whose date, at the precision that is known, may
    lie within the bound; it excludes articles without a date.

    `as_of` excludes articles that were published later. Where the date of publication is unknown,
    the date of modification or retrieval stands in, because the article was out by then; articles
    without any date are excluded.

    `hosts` are those of the articles' addresses, in lower case and without `www.`.

    Each of `words` must occur, as a word or part of one, in the title, publisher, authors or
    source. Articles of the ids `without` are left out whatever the other fields let through.

    `attention` keeps only those that somebody should look at.
    """

    articles: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published_from: str | None = None
    published_to: str | None = None
    as_of: str | None = None
    words: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    attention: bool = False

    def where(self) -> tuple[str, list[Any]]:
        """The condition on the table `articles` in SQL, and its parameters."""
        conditions = ["1"]
        values: list[Any] = []
        for column, wanted in (("id", self.articles), ("language", self.languages)):
            if wanted:
                conditions.append(f"articles.{column} IN ({marks(wanted)})")
                values += wanted
        if self.without:
            conditions.append(f"articles.id NOT IN ({marks(self.without)})")
            values += self.without
        if self.publishers:
            conditions.append(f"casefold(articles.publisher) IN ({marks(self.publishers)})")
            values += [name.casefold() for name in self.publishers]
        for column, wanted in (("authors", self.authors), ("tags", self.tags)):
            if wanted:
                named = f"casefold(value) IN ({marks(wanted)})"
                members = f"SELECT 1 FROM json_each(articles.{column}) WHERE {named}"
                conditions.append(f"EXISTS ({members})")
                values += [name.casefold() for name in wanted]
        if self.hosts:
            address = "replace(lower(articles.url), '://www.', '://') || '/'"
            anyof = " OR ".join([f"instr({address}, ?)"] * len(self.hosts))
            conditions.append(f"({anyof})")
            values += [f"://{host}/" for host in self.hosts]
        if self.attention:
            conditions.append("articles.rowid IN (SELECT article FROM attention)")
        for word in self.words:
            conditions.append(f"instr(casefold({IDENTITY}), ?)")
            values.append(word.casefold())
        if self.published_from:
            # 2025 may be after 2025-06, so the bound is compared at the precision of the date.
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
    """An article as it is listed: everything but its text, with its state in the library.

    `parsed` is what its page says of each field that was corrected; `attention` are the names of
    the reasons to look at it. By its
    `signature` near copies recognise each other; one that is in no library has none.
    """

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
    parsed: Mapping[str, Any] = field(default_factory=dict)
    attention: tuple[str, ...] = ()
    signature: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeProgress:
    """An upgrade under way: `done` of `total` passages are encoded by the next encoder.

    `encoder` is its name, `fingerprint` its fingerprint, `cutting` the number of the rules that cut
    the next passages; `copy` is the file in the library's folder
    that keeps the database as it was. Passages are counted as they are cut now.
    """

    encoder: str
    fingerprint: str
    cutting: int
    copy: str
    done: int
    total: int


class Moment(NamedTuple):
    """A committed state of a library: its generation, and a number that no other commit has.

    Generations are counted alike in every library, so only both together tell what an index was
    made from. Before anything is committed both are 0.
    """

    generation: int
    state: int


class StoredEncoding(NamedTuple):
    """An `Encoding` as bytes: float32, codes, uint32 and uint32."""

    pooled: bytes
    tokens: bytes
    pieces: bytes
    starts: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The number of articles, and of copies among them, of a publisher in a month.

    `month` is `2025-09`, `2025` where the month is unknown, or None without a date.
    """

    month: str | None
    publisher: str
    articles: int
    copies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source that could not be added: the error, the number of attempts, the time of the last."""

    source: str
    kind: str
    message: str
    cure: str
    attempts: int
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuote:
    """A quote that was judged: the words at `[start, end)` of an article's text at that time."""

    article_id: str
    source: str
    start: int
    end: int
    text: str
    text_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A user's verdict on an answer, or on what the answer should have been."""

    id: str
    question: str
    verdict: str
    quotes: tuple[JudgedQuote, ...]
    note: str
    generation: int
    judged: str


def judgement_of(row: Row) -> Judgement:
    """The judgement in a row. Raises `ValueError` where it is damaged."""
    if checksum_of(row, JUDGEMENT) != row["checksum"]:
        raise ValueError("it is not as it was written")
    values = {each.name: row[each.name] for each in fields(Judgement)}
    values["quotes"] = tuple(JudgedQuote(**quote) for quote in json.loads(row["quotes"]))
    return Judgement(**values)


def text_hash(text: str) -> int:
    """A signed 64-bit hash of a passage's text, ignoring white space and case."""
    return int(sha256(" ".join(text.casefold().split()))[:16], 16) - 2**63


def marks(values: Iterable[Any]) -> str:
    """One SQL placeholder for each of the values."""
    return ", ".join("?" for _ in values)


def metadata_of(row: Row) -> Metadata:
    """The metadata in an article's row."""
    values = {each.name: row[each.name] for each in fields(Metadata)}
    for name in ("authors", "tags"):
        values[name] = tuple(json.loads(values[name]))
    for name in ("date_sources", "extra"):
        values[name] = json.loads(values[name])
    return Metadata(**values)


def whole(rows: Iterable[Row], make: Callable[[Row], Made]) -> list[Made]:
    """What is made of each row; damaged rows are left out, and named in the log."""
    made: list[Made] = []
    for row in rows:
        try:
            made.append(make(row))
        except DamagedError as error:
            log.error("left out: %s", error)
        except UNREADABLE as error:
            found = {name: row[name] for name in {"source", "id", "rowid"}.intersection(row.keys())}
            log.error("left out: the row %s of the database is damaged (%s)", found, error)
    return made


def damaged(row: Row) -> DamagedError:
    """The error for the article in a row with its id and source."""
    return DamagedError(
        f"The article {row['id']!r} from {row['source']!r} is damaged: it is not as it was added.",
        cure="Add it again, remove it, or restore sourcebook.db from a backup. All other articles "
        "can be used.",
    )


def text_of(row: Row) -> CanonicalText:
    """The text in a row with its id, source and SHA-256. Raises `DamagedError`."""
    text = CanonicalText(row["id"], row["text"])
    if text.sha256 != row["sha256"] or article_id(row["source"]) != row["id"]:
        raise damaged(row)
    return text


def article_of(row: Row) -> Article:
    """The whole article in a row with its checksums. Raises `DamagedError`."""
    text_of(row)
    _compare_record(row)
    if checksum_of(row, BODY) != row["body_checksum"]:
        raise damaged(row)
    try:
        return parts_of(row)
    except UNREADABLE as error:
        raise damaged(row) from error


def parts_of(row: Row) -> Article:
    """The article in a row, which is not compared with anything. Raises one of `UNREADABLE`."""
    return Article(
        source=row["source"],
        text=row["text"],
        blocks=tuple(Block.of(*values) for values in json.loads(row["blocks"])),
        metadata=metadata_of(row),
        raw=row["raw"],
        removals=tuple(Removal(**removal) for removal in json.loads(row["removals"])),
        parsed=_parsed_of(row),
    )


def record_of(row: Row) -> ArticleRecord:
    """The article in a row that was selected without its text. Raises `DamagedError`."""
    _compare_record(row)
    made: dict[str, Any] = {
        "metadata": metadata_of(row),
        "parsed": _parsed_of(row),
        "attention": tuple((row["attention"] or "").split()),
    }
    names = [each.name for each in fields(ArticleRecord) if each.name not in made]
    return ArticleRecord(**made, **{name: row[name] for name in names})


def corrections_of_row(row: Row) -> dict[str, Any]:
    """The corrections in a row, by field. Raises one of `UNREADABLE` where they are damaged."""
    if checksum_of(row, CORRECTIONS) != row["checksum"]:
        raise ValueError("corrections are not as they were written")
    return from_json(row["corrected"])


def _parsed_of(row: Row) -> dict[str, Any]:
    return from_json(row["parsed"] or "{}")


def _compare_record(row: Row) -> None:
    """Raise `DamagedError` where what is listed and cited of an article is not as it was added."""
    found = checksum_of(row, RECORD), checksum_of(row, LINK)
    if found != (row["record_checksum"], row["link_checksum"]):
        raise damaged(row)


def passage_of(row: Row) -> Passage:
    """The passage in a row that was joined with its article's id, source and sha256.

    Raises `DamagedError` where it is not as it was cut.
    """
    if checksum_of(row, WORDS) != row["checksum"] or row["article_id"] is None:
        raise damaged({"id": row["article_id"], "source": row["source"]})
    return Passage(
        article_id=row["article_id"],
        article_sha256=row["sha256"],
        start=row["start"],
        end=row["end"],
        text=row["text"],
        kind=BlockKind(row["kind"]),
        headings=tuple(json.loads(row["headings"])),
        sentences=tuple(Span(start, end) for start, end in json.loads(row["sentences"])),
        leads=tuple(
            Lead(**lead | {"kind": LeadKind(lead["kind"])}) for lead in json.loads(row["leads"])
        ),
    )
