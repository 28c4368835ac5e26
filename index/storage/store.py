"""The SQLite database of a library: one writer at a time, any number of views."""

import json
import os
import queue
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import Article, Metadata
from sourcebook.index.encoding.encoder import Encoding
from sourcebook.index.errors import BusyError, LibraryError, SourcebookError, StorageError
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import Judgement, marks, text_hash
from sourcebook.index.storage.view import View

APPLICATION_ID = 0x53424B31  # "SBK1": tells our databases from any other SQLite file
SCHEMA_VERSION = 5
# A library of this version or a later one is upgraded when it is opened.
OLDEST_VERSION = 2
# The token vectors of a passage, which are read in random order, fit in one page
# (docs/decisions/0004-token-vectors.md).
PAGE_BYTES = 16_384
# Page cache of a connection: a question reads about 1.5 MB, half of it the same for all questions.
CACHE_KIB = 16_384
# Two of a billion commits have the same number with a chance of 0.4.
STATE_BITS = 60

REPLACED_CURE = (
    "Stop this process and start it again: it then opens what is there now. To put a library back, "
    "use sourcebook restore while nothing has it open."
)

# The device and the number of a file.
Identity = tuple[int, int]


class Store:
    """The database of one library; safe to share between threads and processes."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the database at `path`; `create` makes an empty one.

        Raises `LibraryError` for a file that is not a library, or that a newer version wrote.
        """
        self.path = path
        self._files: dict[str, Identity] = {}
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        with _errors(path):
            connection = self._connect()
            self._idle.put(connection)
            try:
                if create:
                    _create(connection)
                _check(connection, path)
                _upgrade(connection)
                connection.execute("PRAGMA journal_mode = WAL")  # persistent
                self._files = self._identities()
            except BaseException:
                self.close()
                raise

    @contextmanager
    def view(self) -> Iterator[View]:
        """A view: a snapshot of the database that later writes do not change."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield View(connection)
            finally:
                if connection.in_transaction:  # SQLite may have ended it after an error
                    connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator["Writer"]:
        """A transaction: committed on exit, rolled back on an error."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                writer = Writer(connection)
                yield writer
                writer.flush()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def copy(self, path: Path) -> None:
        """Copy the database to a new file, as it is now."""
        with self._connection() as connection, closing(sqlite3.connect(path)) as target:
            connection.backup(target)

    def replaced(self) -> str | None:
        """Why the files that are open are not those at the database's path; None while they are."""
        now = self._identities()
        for name, identity in self._files.items():
            if now.get(name) != identity:
                happened = "was replaced" if name in now else "was deleted or moved"
                return f"{name} {happened} while it was open"
        return None

    def _identities(self) -> dict[str, Identity]:
        """What tells each of the database's files from any other, by its path."""
        found: dict[str, Identity] = {}
        for suffix in ("", "-wal", "-shm"):
            path = f"{self.path}{suffix}"
            with suppress(OSError):
                facts = os.stat(path)
                found[path] = (facts.st_dev, facts.st_ino)
        return found

    def close(self) -> None:
        """Close every idle connection."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # What is open would be read on, and written to, though nobody else can see it.
        if why := self.replaced():
            raise LibraryError(f"{why}.", cure=REPLACED_CURE)
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
        # A damaged text is read, too, so that its hash refuses it rather than all that it is among.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        except BaseException:
            connection.close()
            raise
        return connection


class Writer(View):
    """Changes the database within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use `Store.write`."""
        super().__init__(connection)
        self._piece_counts: Counter[int] = Counter()

    def flush(self) -> None:
        """Write the counts of word pieces; `Store.write` calls this before it commits."""
        self._connection.executemany(
            """INSERT INTO piece_counts VALUES (?, ?)
               ON CONFLICT (piece) DO UPDATE SET passages = passages + excluded.passages""",
            [(piece, step) for piece, step in self._piece_counts.items() if step],
        )
        self._connection.executemany(
            "DELETE FROM piece_counts WHERE piece = ? AND passages <= 0",
            [(piece,) for piece, step in self._piece_counts.items() if step < 0],
        )
        self._piece_counts.clear()

    def set_meta(self, key: str, value: Any) -> None:
        """Store `value` under `key`."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def prune_removed(self, generation: int) -> None:
        """Delete removals up to this generation, which derived indexes must have applied."""
        sql = "DELETE FROM removed WHERE generation <= ?"
        if self._connection.execute(sql, (generation,)).rowcount:
            self._connection.execute("DELETE FROM history WHERE generation < ?", (generation,))
            self.set_meta("pruned", generation)

    def next_generation(self) -> int:
        """Start a new generation and return its number."""
        generation = self.generation + 1
        self.set_meta("generation", generation)
        self._connection.execute(
            "INSERT INTO history VALUES (?, ?)", (generation, secrets.randbits(STATE_BITS))
        )
        return generation

    def add(
        self,
        article: Article,
        content_sha256: str,
        passages: Sequence[tuple[Passage, Encoding]],
        signature: bytes,
        bands: Sequence[int],
    ) -> int:
        """Insert an article with its passages and return its row number.

        No passage is searchable before `link`.
        """
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
            "characters": len(article.text),
            "added": now(),
            "generation": self.generation,
        }
        rowid = self._insert("articles", row)
        self._connection.executemany(
            "INSERT INTO bands VALUES (?, ?)", [(band, rowid) for band in bands]
        )
        self.add_passages(rowid, passages)
        return rowid

    def add_passages(
        self, article: int, passages: Iterable[tuple[Passage, Encoding]], prefix: str = ""
    ) -> None:
        """Insert passages of an article; none is searchable before `link`.

        They go into the tables whose names have the `prefix`.
        """
        for passage, encoding in passages:
            self._add_passage(article, passage, encoding, prefix)

    def drop_passages(self, article: int) -> None:
        """Delete the passages of an article and list them for the derived indexes to remove."""
        rows = self.passage_rowids(article)
        for encoding in self.encodings(rows).values():
            self._count_pieces(np.frombuffer(encoding.pieces, dtype="<u4"), -1)
        generation = self.generation
        self._connection.executemany(
            "INSERT INTO removed VALUES (?, ?)", [(row, generation) for row in rows]
        )
        self._connection.execute("DELETE FROM passages WHERE article = ?", (article,))

    def _add_passage(self, article: int, passage: Passage, encoding: Encoding, prefix: str) -> None:
        rowid = self._insert(
            f"{prefix}passages",
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
            f"{prefix}vectors",
            {
                "passage": rowid,
                "pooled": encoding.pooled.astype("<f4").tobytes(),
                "tokens": encoding.tokens.tobytes(),
                "pieces": pieces.tobytes(),
                "starts": encoding.starts.astype("<u4").tobytes(),
            },
        )
        if not prefix:
            self._count_pieces(pieces, 1)

    def remove(self, article: int) -> list[int]:
        """Delete the article of a row with its passages and return the rows of its copies.

        Call it after `next_generation`.
        """
        sql = "SELECT rowid FROM articles WHERE copy_of = ? ORDER BY rowid"
        copies = [row[0] for row in self._all(sql, article)]
        self.drop_passages(article)
        self._connection.execute("DELETE FROM articles WHERE rowid = ?", (article,))
        return copies

    def link(self, rowid: int, original: int | None) -> None:
        """Mark an article as a copy, or not, and make searchable the passages that only it has."""
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
        """Record that `source` could not be added."""
        self._connection.execute(
            """INSERT INTO failures VALUES (?, ?, ?, ?, 1, ?)
               ON CONFLICT (source) DO UPDATE SET kind = excluded.kind,
               message = excluded.message, cure = excluded.cure,
               attempts = attempts + 1, failed = excluded.failed""",
            (source, error.kind, error.message, error.cure, now()),
        )

    def forget_failure(self, source: str) -> None:
        """Delete the record of a failure."""
        self._connection.execute("DELETE FROM failures WHERE source = ?", (source,))

    def add_judgement(self, judgement: Judgement) -> None:
        """Store a judgement. No answer depends on it, so the generation stays the same."""
        row = {field.name: getattr(judgement, field.name) for field in fields(Judgement)}
        quotes = [asdict(quote) for quote in judgement.quotes]
        self._insert("judgements", row | {"quotes": json.dumps(quotes, ensure_ascii=False)})

    def remove_judgement(self, wanted: str) -> bool:
        """Delete the judgement with this id; False if there is none."""
        sql = "DELETE FROM judgements WHERE id = ?"
        return bool(self._connection.execute(sql, (wanted,)).rowcount)

    def count_pieces_anew(self) -> None:
        """Count the word pieces of all passages."""
        self._connection.execute("DELETE FROM piece_counts")
        for row in self._connection.execute("SELECT pieces FROM vectors"):
            self._count_pieces(np.frombuffer(row[0], dtype="<u4"), 1)

    def _count_pieces(self, pieces: NDArray[np.uint32], step: int) -> None:
        """Add `step` to the number of passages that contain each of these word pieces."""
        for piece in set(pieces.tolist()):
            self._piece_counts[piece] += step

    def _insert(self, table: str, row: Mapping[str, Any]) -> int:
        columns = ", ".join(f'"{column}"' for column in row)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks(row)})", tuple(row.values())
        )
        return int(cursor.lastrowid or 0)


def now() -> str:
    """The current time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _create(connection: sqlite3.Connection) -> None:
    """Create an empty database of the oldest version, for `_upgrade` to bring up to date."""
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.executescript(
        f"BEGIN IMMEDIATE; {_sql('schema.sql')}"
        f"INSERT INTO meta VALUES ('generation', 0);"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {OLDEST_VERSION}; COMMIT;"
    )


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring an older database to this version; each step is a transaction."""
    while _version(connection) < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection) + 1  # unless another process did it meanwhile
            if version <= SCHEMA_VERSION:
                for statement in _sql(f"schema-{version}.sql").split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _sql(name: str) -> str:
    return resources.files("sourcebook.index.storage").joinpath(name).read_text("utf-8")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    if application != APPLICATION_ID:
        raise LibraryError(
            f"{path} is an SQLite database, but not one of Sourcebook's.",
            cure="Name another folder, or an empty one to begin a library in.",
        )
    if not OLDEST_VERSION <= version <= SCHEMA_VERSION:
        raise LibraryError(
            f"{path} has the database version {version}; this Sourcebook reads {OLDEST_VERSION} "
            f"to {SCHEMA_VERSION}.",
            cure="Use the Sourcebook release that wrote it, or add its articles to a new library.",
        )


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Convert SQLite's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        name = getattr(error, "sqlite_errorname", None) or ""  # Python's own errors have none
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StorageError(
                f"The disk refused an access to {path}: {error}; nothing was changed.",
                cure="Free some space or check the folder's permissions, then try again.",
            ) from error
        if name.startswith("SQLITE_BUSY"):
            raise BusyError(
                f"Another process has been writing to {path} for too long.",
                cure="Wait until it has finished, then try again.",
            ) from error
        raise LibraryError(
            f"{path} cannot be used: {error}.",
            cure="It may be damaged: restore it from a backup, or add the articles to a new "
            "library.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise LibraryError(
            f"{path} is damaged or no database: {error}.",
            cure="Restore the file from a backup, or add the articles to a new library.",
        ) from error


def _json_or_plain(value: Any) -> Any:
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)
