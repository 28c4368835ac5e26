"""Changes to the database, made within one transaction."""

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import Article
from sourcebook.index.attention import reasons
from sourcebook.index.corrections import as_json, corrections_of
from sourcebook.index.encoding.encoder import Encoding
from sourcebook.index.errors import SourcebookError
from sourcebook.index.passages import Passage
from sourcebook.index.storage import schema
from sourcebook.index.storage.records import Judgement, marks, text_hash
from sourcebook.index.storage.row_checksums import (
    CORRECTIONS,
    JUDGEMENT,
    VECTORS,
    WORDS,
    article_checksums,
    checksum,
    checksum_of,
)
from sourcebook.index.storage.view import View

if TYPE_CHECKING:  # only `sourcebook.index.storage.connection` opens databases
    import sqlite3

# Two of a billion commits have the same number with a chance of 0.4.
STATE_BITS = 60


class Writer(View):
    """Changes the database within one transaction."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        """Use `Store.write`."""
        super().__init__(connection)
        self._piece_counts: Counter[int] = Counter()
        self._count_anew = False

    def run(self, sql: str, *values: Any) -> "list[sqlite3.Row]":
        """Run a statement that changes something; what it returns."""
        return self._connection.execute(sql, values).fetchall()

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
        *,
        rowid: int | None = None,
    ) -> int:
        """Insert an article with its passages and return its row number.

        One that replaces another gets its `rowid`: it arrived when that did. No passage is
        searchable before `link`.
        """
        row = _metadata_row(article) | {
            "rowid": rowid,
            "id": article.id,
            "source": article.source,
            "sha256": article.sha256,
            "content_sha256": content_sha256,
            "raw": article.raw,
            "text": article.text,
            "blocks": json.dumps([block.values for block in article.blocks]),
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
        self._set_beside(rowid, article)
        self._connection.executemany(
            "INSERT INTO bands VALUES (?, ?)", [(band, rowid) for band in bands]
        )
        self.add_passages(rowid, passages)
        return rowid

    def correct(self, rowid: int, article: Article) -> None:
        """Write an article's corrections, and its metadata as they are with them."""
        row = _metadata_row(article)
        columns = ", ".join(f"{name} = ?" for name in row)
        self.run(f"UPDATE articles SET {columns} WHERE rowid = ?", *row.values(), rowid)
        self._set_beside(rowid, article)

    def _set_beside(self, rowid: int, article: Article) -> None:
        """Write what stands beside the row of an article: corrections, attention, checksums."""
        self.run("DELETE FROM corrections WHERE id = ?", article.id)
        if article.parsed:
            row = {
                "id": article.id,
                "corrected": as_json(corrections_of(article)),
                "parsed": as_json(article.parsed),
            }
            self._insert("corrections", row | {"checksum": checksum_of(row, CORRECTIONS)})
        self.run("DELETE FROM attention WHERE article = ?", rowid)
        if found := reasons(article):
            self._insert("attention", {"article": rowid, "reasons": " ".join(found)})
        self._connection.executemany(
            "INSERT OR REPLACE INTO article_checksums VALUES (?, ?, ?, ?)",
            article_checksums(self._connection, f"articles.rowid = {rowid}"),
        )

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
            "INSERT OR REPLACE INTO removed VALUES (?, ?)", [(row, generation) for row in rows]
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
            "leads": json.dumps([asdict(lead) for lead in passage.leads], ensure_ascii=False),
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
        copies = self.copies_of(article)
        for copy in copies:
            self._mark(copy, None)
        self.drop_passages(article)
        self._connection.execute("DELETE FROM articles WHERE rowid = ?", (article,))
        return copies

    def link(self, rowid: int, original: int | None) -> None:
        """Mark an article as a copy, or not, and make searchable those passages that only it has.

        Those that its original has too are not searched any more. Call it after `next_generation`.
        """
        generation = self.generation
        self._mark(rowid, original)
        self._connection.execute(
            """UPDATE passages SET searchable = 1, generation = ?
               WHERE article = ? AND NOT searchable
               AND text_hash NOT IN (SELECT text_hash FROM passages WHERE article = ?)""",
            (generation, rowid, original),
        )
        if original is None:
            return
        shared = """article = ? AND searchable
                    AND text_hash IN (SELECT text_hash FROM passages WHERE article = ?)"""
        self._connection.execute(
            f"INSERT OR REPLACE INTO removed SELECT rowid, ? FROM passages WHERE {shared}",
            (generation, rowid, original),
        )
        self._connection.execute(
            f"UPDATE passages SET searchable = 0 WHERE {shared}", (rowid, original)
        )

    def _mark(self, rowid: int, original: int | None) -> None:
        """Write whose copy an article is, if any."""
        self._connection.execute(
            "UPDATE articles SET copy_of = ? WHERE rowid = ?", (original, rowid)
        )
        self._connection.execute(
            "UPDATE article_checksums SET link = ? WHERE article = ?",
            (checksum(rowid, original), rowid),
        )

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
    return in_utc(datetime.now(UTC))


def in_utc(at: datetime) -> str:
    """A time in UTC, to the second, in ISO 8601."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _metadata_row(article: Article) -> dict[str, Any]:
    return {name: _json_or_plain(value) for name, value in article.metadata.facts().items()}


def _json_or_plain(value: Any) -> Any:
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)
