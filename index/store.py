"""The truth of a library: one SQLite database, written by one, read by many."""

import itertools
import json
import queue
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.article import Article, Block, BlockKind, Metadata, Removal, sha256
from index.encode import Encoding
from index.errors import LibraryError, NotFoundError, SourcebookError, StorageError
from index.passages import Passage, Span

APPLICATION_ID = 0x53424B31  # "SBK1": tells our databases from any other SQLite file
SCHEMA_VERSION = 1

# SQLite binds at most 32,766 values to one statement; longer lists are asked for in parts.
BATCH = 10_000

_METADATA = ", ".join(f"articles.{field.name}" for field in fields(Metadata))
_RECORD = f"""
    SELECT articles.rowid, articles.id, articles.source, articles.sha256, articles.generation,
        articles.added, length(articles.text) AS characters,
        (SELECT id FROM articles AS original WHERE original.rowid = articles.copy_of) AS copy_of,
        (SELECT count(*) FROM passages WHERE article = articles.rowid) AS passages, {_METADATA}
    FROM articles
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which articles a question is about; what is left empty does not constrain.

    The values of one field are alternatives; fields are combined with *and*. Names are compared
    without regard to case. A date bound keeps an article whose date, as precisely as it is known,
    may lie within the bound; an article without a date is left out by any bound.
    """

    articles: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published_from: str | None = None
    published_to: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """The condition on `articles` as SQL, and its values."""
        conditions = ["1"]
        values: list[Any] = []
        for column, wanted in (("id", self.articles), ("language", self.languages)):
            if wanted:
                conditions.append(f"articles.{column} IN ({_marks(wanted)})")
                values += wanted
        if self.publishers:
            conditions.append(f"casefold(articles.publisher) IN ({_marks(self.publishers)})")
            values += [name.casefold() for name in self.publishers]
        for column, wanted in (("authors", self.authors), ("tags", self.tags)):
            if wanted:
                members = f"SELECT casefold(value) FROM json_each(articles.{column})"
                anyof = " OR ".join([f"? IN ({members})"] * len(wanted))
                conditions.append(f"({anyof})")
                values += [name.casefold() for name in wanted]
        if self.published_from:
            # 2025 may lie after 2025-06: a prefix of the bound is compared as far as it goes.
            conditions.append("articles.published >= substr(?, 1, length(articles.published))")
            values.append(self.published_from)
        if self.published_to:
            conditions.append("substr(articles.published, 1, ?) <= ?")
            values += [len(self.published_to), self.published_to]
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
class Failure:
    """A source that could not be added: why, how often it was tried and when last."""

    source: str
    kind: str
    message: str
    cure: str
    attempts: int
    failed: str


class Store:
    """The database of one library; safe to share between threads and processes."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the database at `path`; `create` makes an empty one.

        Raises `LibraryError` for a file that is no library, or one of a newer version.
        """
        self.path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        with _errors(path):
            connection = self._connect()
            if create:
                _create(connection)
            _check(connection, path)
        self._idle.put(connection)

    @contextmanager
    def read(self) -> Iterator["Reader"]:
        """One consistent view of the library, whatever is written meanwhile."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield Reader(connection)
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator["Writer"]:
        """A transaction: committed on leaving, or undone whole when an error leaves it."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Writer(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every idle connection."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with _errors(self.path):
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._connect()
            try:
                yield connection
            finally:
                self._idle.put(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30
        )
        connection.row_factory = sqlite3.Row
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


class Reader:
    """Questions to one consistent view of the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use `Store.read`."""
        self._connection = connection

    @property
    def generation(self) -> int:
        """Grows with every committed change."""
        return int(self.meta("generation"))

    def meta(self, key: str) -> Any:
        """The value kept under `key`."""
        return self._one("SELECT value FROM meta WHERE key = ?", key)[0]

    def counts(self) -> dict[str, int]:
        """How many articles, copies among them, passages and failures there are."""
        return {
            "articles": self._one("SELECT count(*) FROM articles")[0],
            "copies": self._one("SELECT count(*) FROM articles WHERE copy_of IS NOT NULL")[0],
            "passages": self._one("SELECT count(*) FROM passages")[0],
            "failures": self._one("SELECT count(*) FROM failures")[0],
        }

    def record(self, article_id: str) -> ArticleRecord:
        """The article of that id, without its text; `NotFoundError` if there is none."""
        rows = self._all(f"{_RECORD} WHERE articles.id = ?", article_id)
        if not rows:
            raise NotFoundError(
                f"There is no article {article_id!r} in the library.",
                cure="List the articles to see their ids: it may have been removed or replaced.",
            )
        return _record(rows[0])

    def records(
        self, chosen: Filter | None = None, *, limit: int = -1, offset: int = 0
    ) -> list[ArticleRecord]:
        """Articles in the order of their addition."""
        where, values = (chosen or Filter()).where()
        sql = f"{_RECORD} WHERE {where} ORDER BY articles.rowid LIMIT ? OFFSET ?"
        return [_record(row) for row in self._all(sql, *values, limit, offset)]

    def count(self, chosen: Filter) -> int:
        """How many articles the filter lets through."""
        where, values = chosen.where()
        return int(self._one(f"SELECT count(*) FROM articles WHERE {where}", *values)[0])

    def records_by_rowid(self, rowids: Iterable[int]) -> dict[int, ArticleRecord]:
        """Records by row number; missing ones are left out."""
        sql = f"{_RECORD} WHERE articles.rowid IN (%s)"
        return {row["rowid"]: _record(row) for row in self._in(sql, rowids)}

    def article(self, article_id: str) -> Article:
        """The whole article; `NotFoundError` if there is none."""
        rows = self._all("SELECT * FROM articles WHERE id = ?", article_id)
        if not rows:
            self.record(article_id)
        return _article(rows[0])

    def articles(self, article_ids: Iterable[str]) -> dict[str, Article]:
        """Those of the articles that there are, by id."""
        rows = [self._all("SELECT * FROM articles WHERE id = ?", one) for one in article_ids]
        return {row["id"]: _article(row) for found in rows for row in found}

    def holding(self, quote: str) -> list[str]:
        """Ids of the articles whose text holds `quote`."""
        sql = "SELECT id FROM articles WHERE instr(text, ?) ORDER BY rowid"
        return [row[0] for row in self._all(sql, quote)]

    def copy_of(self, rowid: int) -> int | None:
        """The row number of the article that this one repeats, if it is a copy."""
        found = self._one("SELECT copy_of FROM articles WHERE rowid = ?", rowid)[0]
        return None if found is None else int(found)

    def distinct(self, column: str) -> list[str]:
        """The distinct values of `publisher`, `language`, `authors` or `tags`, sorted."""
        if column in ("authors", "tags"):
            sql = f"SELECT DISTINCT value FROM articles, json_each(articles.{column})"
        else:
            sql = f"SELECT DISTINCT {column} FROM articles"
        return sorted(row[0] for row in self._all(sql) if row[0])

    def allowed(self, chosen: Filter) -> tuple[list[int], list[int]]:
        """Row numbers of the articles that the filter lets through, and of their passages."""
        where, values = chosen.where()
        articles = self._all(f"SELECT rowid FROM articles WHERE {where}", *values)
        sql = f"""SELECT passages.rowid FROM passages JOIN articles
                  ON passages.article = articles.rowid WHERE searchable AND {where}"""
        return [row[0] for row in articles], [row[0] for row in self._all(sql, *values)]

    def passages(self, rowids: Iterable[int]) -> dict[int, tuple[int, Passage]]:
        """(article's row number, passage) by row number; removed passages are left out."""
        sql = """SELECT passages.*, articles.id AS article_id, articles.sha256 FROM passages
                 JOIN articles ON passages.article = articles.rowid
                 WHERE passages.rowid IN (%s)"""
        return {row["rowid"]: (row["article"], _passage(row)) for row in self._in(sql, rowids)}

    def passage_rowid(self, passage_id: str) -> int:
        """The row number of a passage; `NotFoundError` if there is none of that id."""
        rows = self._all("SELECT rowid FROM passages WHERE id = ?", passage_id)
        if not rows:
            raise NotFoundError(
                f"There is no passage {passage_id!r} in the library.",
                cure="Its article may have been removed or replaced; search again.",
            )
        return int(rows[0][0])

    def passage_rowids(self, article_rowid: int) -> list[int]:
        """The passages of an article, in reading order."""
        sql = "SELECT rowid FROM passages WHERE article = ? ORDER BY rowid"
        return [row[0] for row in self._all(sql, article_rowid)]

    def copies(self, article_rowids: Iterable[int]) -> dict[int, list[ArticleRecord]]:
        """The syndicated copies of each article."""
        found: dict[int, list[ArticleRecord]] = {}
        sql = "SELECT rowid, copy_of FROM articles WHERE copy_of IN (%s) ORDER BY rowid"
        pairs = [(row["rowid"], row["copy_of"]) for row in self._in(sql, article_rowids)]
        records = self.records_by_rowid(copy for copy, _ in pairs)
        for copy, original in pairs:
            found.setdefault(original, []).append(records[copy])
        return found

    def encodings(self, rowids: Iterable[int]) -> dict[int, StoredEncoding]:
        """What is kept of each passage's encoding, by the passage's row number."""
        sql = "SELECT passage, pooled, tokens, pieces, starts FROM vectors WHERE passage IN (%s)"
        return {row[0]: StoredEncoding(*row[1:]) for row in self._in(sql, rowids)}

    def piece_counts(self, pieces: Iterable[int]) -> dict[int, int]:
        """In how many passages each of the word pieces occurs."""
        sql = "SELECT piece, passages FROM piece_counts WHERE piece IN (%s)"
        return {row["piece"]: row["passages"] for row in self._in(sql, pieces)}

    def searchable_count(self) -> int:
        """How many passages can be found."""
        return int(self._one("SELECT count(*) FROM passages WHERE searchable")[0])

    def added_since(self, generation: int) -> list[int]:
        """Row numbers of the passages that became searchable after that generation."""
        sql = "SELECT rowid FROM passages WHERE generation > ? AND searchable ORDER BY rowid"
        return [row[0] for row in self._all(sql, generation)]

    def removed_since(self, generation: int) -> list[int]:
        """Row numbers of the passages that were removed after that generation."""
        rows = self._all("SELECT passage FROM removed WHERE generation > ?", generation)
        return [row[0] for row in rows]

    def failures(self) -> list[Failure]:
        """What could not be added, the newest first."""
        return [
            Failure(**dict(row))
            for row in self._all("SELECT * FROM failures ORDER BY failed DESC, source")
        ]

    def candidates_for_copy(self, bands: Sequence[int], rowid: int) -> dict[int, bytes]:
        """Signatures of other articles, no copies themselves, that share a band."""
        sql = """SELECT DISTINCT articles.rowid AS rowid, signature FROM bands
                 JOIN articles ON bands.article = articles.rowid
                 WHERE copy_of IS NULL AND bands.band IN (%s) ORDER BY articles.rowid"""
        found = {row["rowid"]: row["signature"] for row in self._in(sql, bands)}
        found.pop(rowid, None)
        return found

    def content_sha256(self, source: str) -> str | None:
        """The hash of all that was last added from `source`, if anything was."""
        rows = self._all("SELECT content_sha256 FROM articles WHERE source = ?", source)
        return rows[0][0] if rows else None

    def _one(self, sql: str, *values: Any) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        if row is None:
            raise LibraryError(f"The database holds no {values!r}.", cure="It may be damaged.")
        return row

    def _all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def _in(self, sql: str, values: Iterable[int]) -> Iterator[sqlite3.Row]:
        """Rows of `sql`, whose `%s` stands for a list of any length."""
        for batch in _batches(values):
            yield from self._connection.execute(sql % _marks(batch), batch)


class Writer(Reader):
    """Changes within one transaction."""

    def set_meta(self, key: str, value: Any) -> None:
        """Keep `value` under `key`."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def next_generation(self) -> int:
        """Begin a new generation and return its number."""
        self.set_meta("generation", self.generation + 1)
        return self.generation

    def add(
        self,
        article: Article,
        content_sha256: str,
        passages: Sequence[tuple[Passage, Encoding]],
        signature: bytes,
        bands: Sequence[int],
    ) -> int:
        """Insert an article with its passages, none searchable before `link`; its row number."""
        metadata = {field.name: getattr(article.metadata, field.name) for field in fields(Metadata)}
        row = {name: _json_or_plain(value) for name, value in metadata.items()} | {
            "id": article.id,
            "source": article.source,
            "sha256": article.sha256,
            "content_sha256": content_sha256,
            "raw": article.raw,
            "text": article.text,
            "blocks": json.dumps([[b.kind, b.start, b.end] for b in article.blocks]),
            "removals": json.dumps(
                [
                    {"rule": r.rule, "start": r.start, "end": r.end, "text": r.text}
                    for r in article.removals
                ],
                ensure_ascii=False,
            ),
            "signature": signature,
            "added": now(),
            "generation": self.generation,
        }
        rowid = self._insert("articles", row)
        self._connection.executemany(
            "INSERT INTO bands VALUES (?, ?)", [(band, rowid) for band in bands]
        )
        self.add_passages(rowid, passages)
        return rowid

    def add_passages(self, article: int, passages: Iterable[tuple[Passage, Encoding]]) -> None:
        """Insert passages of an article, none of them searchable before `link`."""
        for passage, encoding in passages:
            self._add_passage(article, passage, encoding)

    def drop_passages(self, article: int) -> None:
        """Delete the passages of an article and tell the derived indexes to forget them."""
        rows = self.passage_rowids(article)
        for encoding in self.encodings(rows).values():
            self._count_pieces(np.frombuffer(encoding.pieces, dtype="<u4"), -1)
        generation = self.generation
        self._connection.executemany(
            "INSERT INTO removed VALUES (?, ?)", [(row, generation) for row in rows]
        )
        self._connection.execute("DELETE FROM passages WHERE article = ?", (article,))

    def _add_passage(self, article: int, passage: Passage, encoding: Encoding) -> None:
        rowid = self._insert(
            "passages",
            {
                "id": passage.id,
                "article": article,
                "start": passage.start,
                "end": passage.end,
                "text": passage.text,
                "kind": passage.kind,
                "headings": json.dumps(passage.headings, ensure_ascii=False),
                "sentences": json.dumps([[s.start, s.end] for s in passage.sentences]),
                "text_hash": text_hash(passage.text),
                "searchable": 0,
                "generation": 0,
            },
        )
        pieces = np.asarray(encoding.pieces, dtype="<u4")
        self._insert(
            "vectors",
            {
                "passage": rowid,
                "pooled": encoding.pooled.astype("<f4").tobytes(),
                "tokens": encoding.tokens.tobytes(),
                "pieces": pieces.tobytes(),
                "starts": encoding.starts.astype("<u4").tobytes(),
            },
        )
        self._count_pieces(pieces, 1)

    def remove(self, record: ArticleRecord) -> list[int]:
        """Delete an article with all that hangs on it; the row numbers of its copies.

        Call it after `next_generation`.
        """
        sql = "SELECT rowid FROM articles WHERE copy_of = ? ORDER BY rowid"
        copies = [row[0] for row in self._all(sql, record.rowid)]
        self.drop_passages(record.rowid)
        self._connection.execute("DELETE FROM articles WHERE rowid = ?", (record.rowid,))
        return copies

    def link(self, rowid: int, original: int | None) -> None:
        """Mark an article as a copy (or not), and make searchable what only it says."""
        generation = self.generation
        self._connection.execute(
            "UPDATE articles SET copy_of = ? WHERE rowid = ?", (original, rowid)
        )
        self._connection.execute(
            """UPDATE passages SET searchable = 1, generation = ?
               WHERE article = ? AND NOT searchable
               AND text_hash NOT IN (SELECT text_hash FROM passages WHERE article = ?)""",
            (generation, rowid, original),
        )

    def signature(self, rowid: int) -> bytes:
        """The MinHash signature of an article."""
        return bytes(self._one("SELECT signature FROM articles WHERE rowid = ?", rowid)[0])

    def record_failure(self, source: str, error: SourcebookError) -> None:
        """Remember that `source` could not be added."""
        self._connection.execute(
            """INSERT INTO failures VALUES (?, ?, ?, ?, 1, ?)
               ON CONFLICT (source) DO UPDATE SET kind = excluded.kind,
               message = excluded.message, cure = excluded.cure,
               attempts = attempts + 1, failed = excluded.failed""",
            (source, error.kind, error.message, error.cure, now()),
        )

    def forget_failure(self, source: str) -> None:
        """Forget a failure: the source was added, or is given up."""
        self._connection.execute("DELETE FROM failures WHERE source = ?", (source,))

    def _count_pieces(self, pieces: NDArray[np.uint32], step: int) -> None:
        self._connection.executemany(
            """INSERT INTO piece_counts VALUES (?, ?)
               ON CONFLICT (piece) DO UPDATE SET passages = passages + excluded.passages""",
            [(int(piece), step) for piece in np.unique(pieces)],
        )

    def _insert(self, table: str, row: Mapping[str, Any]) -> int:
        columns = ", ".join(f'"{column}"' for column in row)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({_marks(row)})", tuple(row.values())
        )
        return int(cursor.lastrowid or 0)


def now() -> str:
    """The time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_hash(text: str) -> int:
    """A signed 64-bit hash of a passage's words, white space and case aside."""
    return int(sha256(" ".join(text.casefold().split()))[:16], 16) - 2**63


def _create(connection: sqlite3.Connection) -> None:
    schema = resources.files("index").joinpath("schema.sql").read_text("utf-8")
    connection.executescript(
        f"BEGIN IMMEDIATE; {schema}"
        f"INSERT INTO meta VALUES ('generation', 0);"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise LibraryError(
            f"{path} is an SQLite database, but not one of Sourcebook's.",
            cure="Name another folder, or an empty one to begin a library in.",
        )
    if version != SCHEMA_VERSION:
        raise LibraryError(
            f"{path} has the database version {version}; this Sourcebook reads {SCHEMA_VERSION}.",
            cure="Use the Sourcebook release that wrote it, or add its articles to a new library.",
        )


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        name = error.sqlite_errorname or ""
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StorageError(
                f"The disk refused an access to {path}: {error}; nothing was changed.",
                cure="Free some space or check the folder's permissions, then try again.",
            ) from error
        raise LibraryError(f"{path} cannot be used: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise LibraryError(
            f"{path} is damaged or no database: {error}.",
            cure="Restore the file from a backup, or add the articles to a new library.",
        ) from error


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)


def _batches(values: Iterable[int]) -> Iterator[list[int]]:
    iterator = iter(values)
    while batch := [int(value) for value in itertools.islice(iterator, BATCH)]:
        yield batch


def _json_or_plain(value: Any) -> Any:
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)


def _metadata(row: sqlite3.Row) -> Metadata:
    values = {field.name: row[field.name] for field in fields(Metadata)}
    for name in ("authors", "tags"):
        values[name] = tuple(json.loads(values[name]))
    for name in ("date_sources", "extra"):
        values[name] = json.loads(values[name])
    return Metadata(**values)


def _article(row: sqlite3.Row) -> Article:
    return Article(
        source=row["source"],
        text=row["text"],
        blocks=tuple(Block(BlockKind(k), s, e) for k, s, e in json.loads(row["blocks"])),
        metadata=_metadata(row),
        raw=row["raw"],
        removals=tuple(Removal(**removal) for removal in json.loads(row["removals"])),
    )


def _record(row: sqlite3.Row) -> ArticleRecord:
    names = [field.name for field in fields(ArticleRecord) if field.name != "metadata"]
    return ArticleRecord(metadata=_metadata(row), **{name: row[name] for name in names})


def _passage(row: sqlite3.Row) -> Passage:
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
