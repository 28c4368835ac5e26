"""The SQLite database of a library: one writer at a time, any number of views."""

import json
import logging
import os
import queue
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoding
from sourcebook.index.errors import BusyError, LibraryError, SourcebookError
from sourcebook.index.passages import Passage
from sourcebook.index.storage import access_mode, schema
from sourcebook.index.storage.connection import BUSY_S, INDEX, LOG, beside, connect, errors
from sourcebook.index.storage.copies import copy_database
from sourcebook.index.storage.records import Judgement, marks, text_hash
from sourcebook.index.storage.row_checksums import (
    JUDGEMENT,
    VECTORS,
    WORDS,
    article_checksums,
    checksum,
    checksum_of,
)
from sourcebook.index.storage.view import View

# Page cache of a connection: a question reads about 1.5 MB, half of it the same for all questions.
CACHE_KIB = 16_384
# How long to wait for readers to end before the log is emptied.
EMPTYING_S = 2.0
# Two of a billion commits have the same number with a chance of 0.4.
STATE_BITS = 60

REPLACED_CURE = (
    "Stop this process and start it again: it then opens what is there now. To put a library back, "
    "use sourcebook restore while nothing has it open."
)

# The device and the number of a file.
Identity = tuple[int, int]
# When a file was changed, in nanoseconds, and its size in bytes.
Stamp = tuple[int, int]

log = logging.getLogger(__name__)


class Store:
    """The database of one library; safe to share between threads and processes."""

    def __init__(self, path: Path, *, create: bool = False, keep: bool = True) -> None:
        """Open the database at `path`; `create` makes an empty one.

        A copy of an older one is kept before it is brought to this version, unless not `keep`. One
        that this process cannot write to is only read, and refuses changes with a `StorageError`.
        Raises `LibraryError` for a file that is not a library, or that a newer version wrote.
        """
        self.path = path
        self.read_only = path.exists() and not access_mode.writable(path)
        self._files: dict[str, Identity] = {}
        self._idle: queue.LifoQueue[tuple[sqlite3.Connection, Stamp | None]] = queue.LifoQueue()
        with errors(path):
            stamp = self._stamp()
            connection = self._connect(stamp)
            self._idle.put((connection, stamp))
            try:
                if create:
                    schema.create(connection)
                schema.check(connection, path)
                schema.upgrade(connection, path, partial(copy_database, path) if keep else None)
                schema.check_seal(connection, path)
                if not self.read_only:
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
        """A transaction: committed on exit, rolled back on an error. Raises `StorageError`."""
        if self.read_only:
            raise access_mode.read_only(self.path.parent)
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

    def empty_log(self) -> None:
        """Write the log into the database and empty it, so that it holds no deleted words."""
        with self._connection() as connection:
            connection.execute(f"PRAGMA busy_timeout = {round(1_000 * EMPTYING_S)}")
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                connection.execute(f"PRAGMA busy_timeout = {round(1_000 * BUSY_S)}")
        if busy:
            name = beside(self.path, LOG)
            log.warning("%s holds deleted words until nobody reads any more", name)

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
        # What is beside one that is only read belongs to whoever writes to it.
        for suffix in ("",) if self.read_only else ("", LOG, INDEX):
            path = str(beside(self.path, suffix))
            with suppress(OSError):
                facts = os.stat(path)
                found[path] = (facts.st_dev, facts.st_ino)
        return found

    def close(self) -> None:
        """Close every idle connection."""
        while not self._idle.empty():
            self._idle.get_nowait()[0].close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # What is open would be read on, and written to, though nobody else can see it.
        if why := self.replaced():
            raise LibraryError(f"{why}.", cure=REPLACED_CURE)
        with errors(self.path):
            stamp = self._stamp()
            connection = self._taken(stamp)
            try:
                yield connection
            finally:
                self._idle.put((connection, stamp))
            if stamp and stamp != self._stamp():
                raise BusyError(
                    f"Another process began to write to {self.path} while it was read.",
                    cure="Try again.",
                )

    def _taken(self, stamp: Stamp | None) -> sqlite3.Connection:
        """An idle connection that reads the database as it is, or a new one."""
        with suppress(queue.Empty):
            while True:
                connection, made = self._idle.get_nowait()
                if made == stamp:
                    return connection
                connection.close()  # it would not see what was written since
        return self._connect(stamp)

    def _stamp(self) -> Stamp | None:
        """What tells whether a database was written to that is read without a log."""
        if not self.read_only or access_mode.has_log(self.path):
            return None
        facts = self.path.stat()
        return facts.st_mtime_ns, facts.st_size

    def _connect(self, stamp: Stamp | None) -> sqlite3.Connection:
        how = "mode=ro" if self.read_only else "mode=rwc"
        # SQLite then takes no locks and looks for no log.
        how += "&immutable=1" if stamp else ""
        connection = connect(self.path, how)
        connection.row_factory = sqlite3.Row
        # A damaged text is read, too, so that its hash refuses it rather than all that it is among.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            # What is deleted is overwritten, so that purged words are not left in the file.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA cell_size_check = ON")  # notices some damage, for nothing
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
        self._count_anew = False

    def flush(self) -> None:
        """Write the counts of word pieces; `Store.write` calls this before it commits."""
        if self._count_anew:
            self._connection.execute("DELETE FROM piece_counts")
            self._piece_counts = self.counted_pieces()
            self._count_anew = False
        steps = {piece: step for piece, step in self._piece_counts.items() if step}
        known = self.piece_counts(steps)
        counts = {piece: known.get(piece, 0) + step for piece, step in steps.items()}
        self._connection.executemany(
            "INSERT OR REPLACE INTO piece_counts VALUES (?, ?, ?)",
            [(piece, n, checksum(piece, n)) for piece, n in counts.items() if n > 0],
        )
        self._connection.executemany(
            "DELETE FROM piece_counts WHERE piece = ?",
            [(piece,) for piece, n in counts.items() if n <= 0],
        )
        self._piece_counts.clear()

    def set_meta(self, key: str, value: Any) -> None:
        """Store `value` under `key`."""
        row = (key, value, checksum(key, value))
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", row)

    def seal_schema(self) -> None:
        """Keep the checksum of the schema; call it after each change of tables or indexes."""
        schema.seal(self._connection)

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
        row = {name: _json_or_plain(value) for name, value in article.metadata.facts().items()} | {
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
            "INSERT INTO article_checksums VALUES (?, ?, ?, ?)",
            article_checksums(self._connection, f"rowid = {rowid}"),
        )
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
        found = self.encodings(rows)
        for encoding in found.values():
            self._count_pieces(np.frombuffer(encoding.pieces, dtype="<u4"), -1)
        if len(found) < len(rows):  # nobody knows what a damaged one was counted for
            self.count_pieces_anew()
        generation = self.generation
        self._connection.executemany(
            "INSERT INTO removed VALUES (?, ?)", [(row, generation) for row in rows]
        )
        self._connection.execute("DELETE FROM passages WHERE article = ?", (article,))

    def _add_passage(self, article: int, passage: Passage, encoding: Encoding, prefix: str) -> None:
        words = {
            "id": passage.id,
            "article": article,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
            "kind": str(passage.kind),
            "headings": json.dumps(passage.headings, ensure_ascii=False),
            "sentences": json.dumps([[s.start, s.end] for s in passage.sentences]),
            "text_hash": text_hash(passage.text),
        }
        rowid = self._insert(f"{prefix}passages", words | {"searchable": 0, "generation": 0})
        pieces = np.asarray(encoding.pieces, dtype="<u4")
        vectors = {
            "passage": rowid,
            "pooled": encoding.pooled.astype("<f4").tobytes(),
            "tokens": encoding.tokens.tobytes(),
            "pieces": pieces.tobytes(),
            "starts": encoding.starts.astype("<u4").tobytes(),
        }
        self._insert(f"{prefix}vectors", vectors)
        checksums = {
            "passage": rowid,
            "words": checksum_of(words | {"rowid": rowid}, WORDS),
            "vectors": checksum_of(vectors, VECTORS),
        }
        self._insert(f"{prefix}passage_checksums", checksums)
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
            "UPDATE article_checksums SET link = ? WHERE article = ?",
            (checksum(rowid, original), rowid),
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
        row["quotes"] = json.dumps(quotes, ensure_ascii=False)
        self._insert("judgements", row | {"checksum": checksum_of(row, JUDGEMENT)})

    def remove_judgement(self, wanted: str) -> bool:
        """Delete the judgement with this id; False if there is none."""
        sql = "DELETE FROM judgements WHERE id = ?"
        return bool(self._connection.execute(sql, (wanted,)).rowcount)

    def count_pieces_anew(self) -> None:
        """Count the word pieces of all passages before the transaction ends."""
        self._count_anew = True

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


def _json_or_plain(value: Any) -> Any:
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)
