"""Passages of the next encoder, kept beside those in use until one transaction puts them there."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sourcebook.index.encoding.encoder import Encoder, Encoding
from sourcebook.index.passages import CUTTING, Passage
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import Writer

# While an upgrade is under way the database also has these tables. Who removes or replaces an
# article, even an older Sourcebook, deletes its rows there as well: they refer to it.
NEXT = "next_"
TABLES = ("passages", "vectors", "passage_checksums")  # the latter two refer to the first
ARTICLES = """
    CREATE TABLE next_articles (               -- whose passages are in next_passages
        article INTEGER PRIMARY KEY REFERENCES articles(rowid) ON DELETE CASCADE,
        passages INTEGER NOT NULL              -- as they are cut now, to tell how far it is
    ) STRICT
"""


def begin(writer: Writer, encoder: Encoder, copy: str) -> None:
    """Begin an upgrade, or begin it again with another encoder; `copy` is the copy's file name."""
    for table in (*reversed(TABLES), "articles"):
        writer.run(f"DROP TABLE IF EXISTS {NEXT}{table}")
    writer.run(ARTICLES)
    for table in TABLES:
        [(made,)] = writer.rows("SELECT sql FROM sqlite_master WHERE name = ?", table)
        columns = re.sub(r'REFERENCES "?passages"?', "REFERENCES next_passages", made)
        writer.run(f"CREATE TABLE {NEXT}{table} {columns[columns.index('(') :]}")
    writer.run("CREATE INDEX next_passages_article ON next_passages(article)")
    facts = {
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "cutting": CUTTING,
        "copy": copy,
    }
    writer.set_meta("upgrade", json.dumps(facts))
    writer.seal_schema()


class Waiting(NamedTuple):
    """An article that is to be encoded: its row number, its id, and a checksum of its record."""

    rowid: int
    id: str
    record: int


def waiting(view: View, passages: int) -> list[Waiting]:
    """The next articles to encode, with about so many passages in all.

    They are encoded in the order in which they were added; at the end come those that were
    corrected or replaced after they were encoded.
    """
    after_the_last = "articles.rowid > (SELECT coalesce(max(article), 0) FROM next_articles)"
    forgotten = "articles.rowid NOT IN (SELECT article FROM next_articles)"
    return _waiting(view, passages, after_the_last) or _waiting(view, passages, forgotten)


def _waiting(view: View, passages: int, where: str) -> list[Waiting]:
    rows = view.rows(
        f"""SELECT articles.rowid, id, record,
           (SELECT count(*) FROM passages WHERE article = articles.rowid)
           FROM articles LEFT JOIN article_checksums ON article = articles.rowid
           WHERE {where} ORDER BY articles.rowid LIMIT ?""",
        passages,
    )
    found: list[Waiting] = []
    for *article, count in rows:
        found.append(Waiting(*article))
        passages -= count
        if passages <= 0:
            break
    return found


def stage(
    writer: Writer, encoded: Iterable[tuple[Waiting, Sequence[tuple[Passage, Encoding]]]]
) -> None:
    """Keep the passages of articles, without those that were removed or corrected meanwhile."""
    for article, passages in encoded:
        kept = writer.run(
            """INSERT INTO next_articles
               SELECT article, (SELECT count(*) FROM passages
                                WHERE passages.article = article_checksums.article)
               FROM article_checksums WHERE article = ? AND record = ? RETURNING article""",
            article.rowid,
            article.record,
        )
        if kept:
            writer.add_passages(article.rowid, passages, prefix=NEXT)


def forget(writer: Writer, rowid: int) -> None:
    """Delete what is staged of an article, if an upgrade is under way: it is encoded again."""
    if writer.upgrade():
        for table in ("articles", "passages"):
            writer.run(f"DELETE FROM {NEXT}{table} WHERE article = ?", rowid)


def take_over(writer: Writer, derived: str) -> None:
    """Put the staged passages in the place of those in use, in a new generation.

    Every article must be staged. `derived` is the folder of the new indexes.
    """
    indexes = writer.rows(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'passages' AND sql > ''"
    )
    writer.run("DROP INDEX next_passages_article")
    for table in (*reversed(TABLES), "next_articles"):
        writer.run(f"DROP TABLE {table}")
    for table in TABLES:
        writer.run(f"ALTER TABLE {NEXT}{table} RENAME TO {table}")
    for (made,) in indexes:
        writer.run(made)
    generation = writer.next_generation()
    # As `Writer.link` does it for one article: a copy's passages that its original has too are
    # not searched.
    writer.run(
        """UPDATE passages SET searchable = 1, generation = ? WHERE NOT EXISTS (
               SELECT 1 FROM articles JOIN passages AS original ON original.article = copy_of
               WHERE articles.rowid = passages.article
               AND original.text_hash = passages.text_hash)""",
        generation,
    )
    writer.run("DELETE FROM removed")
    writer.set_meta("pruned", generation)
    writer.count_pieces_anew()
    writer.set_meta("derived", derived)
    writer.run("DELETE FROM meta WHERE key = 'upgrade'")
    writer.seal_schema()
