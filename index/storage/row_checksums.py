"""Checksums of rows: what a damaged disk or file changed is noticed when it is read."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sourcebook.index.article import Metadata

if TYPE_CHECKING:  # only `sourcebook.index.storage.connection` opens databases
    import sqlite3

# The columns that a checksum covers, by the column that holds it. The canonical text is not among
# them: it has a hash of its own, which citations carry.
METADATA = tuple(each.name for each in fields(Metadata))
RECORD = (
    "id", "source", "sha256", "generation", "added", "characters", "signature", *METADATA,
    "corrected", "parsed", "attention",
)  # fmt: skip
BODY = ("content_sha256", "blocks", "removals", "raw")
LINK = ("rowid", "original")
WORDS = (
    "rowid", "id", "article", "start", "end", "text", "kind", "headings", "sentences", "leads",
    "text_hash",
)  # fmt: skip
# What of a record stands in other tables, and where.
BESIDE = {
    "corrected": "corrections.corrected",
    "parsed": "corrections.parsed",
    "attention": "attention.reasons AS attention",
}
BESIDE_ARTICLES = """LEFT JOIN corrections ON corrections.id = articles.id
    LEFT JOIN attention ON attention.article = articles.rowid"""
VECTORS = ("passage", "pooled", "tokens", "pieces", "starts")
TRASH = ("id", "removed", "source", "sha256", "characters", *METADATA)  # its body is an article's
CORRECTIONS = ("id", "corrected", "parsed")
JUDGEMENT = ("id", "question", "verdict", "quotes", "note", "generation", "judged")


def checksum(*values: Any) -> int:
    """The CRC-32 of the values of a row; of bytes it covers their length as well."""
    blobs = [value for value in values if type(value) is bytes]
    plain = [len(value) if type(value) is bytes else value for value in values]
    # `repr` would depend on which characters the running Python knows.
    found = zlib.crc32(ascii(plain).encode())
    for blob in blobs:
        found = zlib.crc32(blob, found)
    return found


def checksum_of(row: Any, columns: Iterable[str]) -> int:
    """The checksum of these columns of a row."""
    return checksum(*[row[column] for column in columns])


def article_checksums(connection: "sqlite3.Connection", where: str = "1") -> Iterator[Any]:
    """(article, record, body, link) of each article `where` a condition in SQL holds."""
    own = ", ".join(f"articles.{name}" for name in [*RECORD, *BODY] if name not in BESIDE)
    sql = f"""SELECT articles.rowid, copy_of AS original, {own}, {", ".join(BESIDE.values())}
              FROM articles {BESIDE_ARTICLES} WHERE {where}"""
    for row in connection.execute(sql):
        yield row["rowid"], *(checksum_of(row, each) for each in (RECORD, BODY, LINK))


def fill(connection: "sqlite3.Connection") -> None:
    """Write the checksums of everything that a library of an earlier release holds, as it is."""
    run, many = connection.execute, connection.executemany
    many("INSERT INTO article_checksums VALUES (?, ?, ?, ?)", article_checksums(connection))
    sql = "SELECT rowid, * FROM passages JOIN vectors ON passage = passages.rowid"
    many(
        "INSERT INTO passage_checksums VALUES (?, ?, ?)",
        ((row["rowid"], checksum_of(row, WORDS), checksum_of(row, VECTORS)) for row in run(sql)),
    )
    for table, key, columns in (
        ("meta", "key", ("key", "value")),
        ("piece_counts", "piece", ("piece", "passages")),
        ("judgements", "id", JUDGEMENT),
    ):
        rows = run(f"SELECT * FROM {table}").fetchall()
        many(
            f"UPDATE {table} SET checksum = ? WHERE {key} = ?",
            [(checksum_of(row, columns), row[key]) for row in rows],
        )
