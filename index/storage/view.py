"""Queries on a view, which is a snapshot of a library's database."""

import json
import logging
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from sourcebook.index.article import Article, CanonicalText, Metadata, host_of
from sourcebook.index.errors import DamagedError, NotFoundError
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import (
    REPAIR,
    UNREADABLE,
    ArticleRecord,
    Covered,
    Failure,
    Filter,
    Judgement,
    StoredEncoding,
    article_of,
    corrections_of_row,
    damaged,
    judgement_of,
    passage_of,
    record_of,
    text_of,
    whole,
)
from sourcebook.index.storage.row_checksums import (
    BESIDE,
    BESIDE_ARTICLES,
    VECTORS,
    checksum,
    checksum_of,
)
from sourcebook.index.storage.snapshot import Snapshot

log = logging.getLogger(__name__)

_METADATA = ", ".join(f"articles.{field.name}" for field in fields(Metadata))
# What an article's checksums cover besides its columns, and the checksums.
_BESIDE = ", ".join(BESIDE.values())
_CHECKED = f"""{_BESIDE}, articles.copy_of AS original, article_checksums.record AS record_checksum,
    article_checksums.body AS body_checksum, article_checksums.link AS link_checksum"""
_CHECKSUMS = f"""LEFT JOIN article_checksums ON article_checksums.article = articles.rowid
    {BESIDE_ARTICLES}"""
_RECORD = f"""
    SELECT articles.rowid, articles.id, articles.source, articles.sha256, articles.generation,
        articles.added, articles.characters, articles.signature, {_CHECKED},
        (SELECT id FROM articles AS original WHERE original.rowid = articles.copy_of) AS copy_of,
        (SELECT count(*) FROM passages WHERE article = articles.rowid) AS passages, {_METADATA}
    FROM articles {_CHECKSUMS}
"""
_ARTICLE = f"SELECT articles.rowid, articles.*, {_CHECKED} FROM articles {_CHECKSUMS}"

# What a list of articles can be sorted by.
ORDERS = {
    "added": "articles.rowid",
    "title": "casefold(articles.title)",
    "publisher": "casefold(articles.publisher)",
    "published": "articles.published",
    "passages": "passages",
    "language": "articles.language",
}


class View(Snapshot):
    """Queries on one snapshot of the database.

    A text is compared with its hash whenever it is read. Who asks for one article or passage gets
    `DamagedError` where that is damaged; who asks for many gets those that are not.
    """

    def counts(self) -> dict[str, int]:
        """The numbers of articles, of copies among them, of passages and of failures."""
        return {
            "articles": self._one("SELECT count(*) FROM articles")[0],
            "copies": self._one("SELECT count(*) FROM articles WHERE copy_of IS NOT NULL")[0],
            "passages": self._one("SELECT count(*) FROM passages")[0],
            "failures": self._one("SELECT count(*) FROM failures")[0],
        }

    def record(self, article_id: str) -> ArticleRecord:
        """The article with this id, without its text. Raises `NotFoundError` if there is none."""
        rows = self.rows(f"{_RECORD} WHERE articles.id = ?", article_id)
        if not rows:
            raise NotFoundError(
                f"There is no article {article_id!r} in the library.",
                cure="List the articles to see their ids: it may have been removed or replaced.",
            )
        try:
            return record_of(rows[0])
        except UNREADABLE as error:
            raise damaged(rows[0]) from error

    def found(self, article_id: str) -> ArticleRecord:
        """As `record`, but of a damaged article only what names it: it can still be removed."""
        try:
            return self.record(article_id)
        except DamagedError:
            [(row, source)] = self.rows(
                "SELECT rowid, source FROM articles WHERE id = ?", article_id
            )
            return ArticleRecord(
                rowid=row,
                id=article_id,
                source=source,
                sha256="",
                generation=0,
                added="",
                characters=0,
                passages=0,
                copy_of=None,
                metadata=Metadata(),
            )

    def records(
        self,
        chosen: Filter | None = None,
        *,
        order: str = "added",
        descending: bool = False,
        limit: int = -1,
        offset: int = 0,
    ) -> list[ArticleRecord]:
        """Articles, sorted by one of `ORDERS`; ties keep the order in which they were added."""
        where, values = (chosen or Filter()).where()
        by = f"{ORDERS[order]} {'DESC' if descending else 'ASC'}, articles.rowid"
        sql = f"{_RECORD} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?"
        return whole(self.rows(sql, *values, limit, offset), record_of)

    def count(self, chosen: Filter) -> int:
        """The number of articles that pass the filter."""
        where, values = chosen.where()
        return int(self._one(f"SELECT count(*) FROM articles WHERE {where}", *values)[0])

    def coverage(self) -> list[Covered]:
        """The number of articles by month and publisher, those without a date first."""
        sql = """SELECT substr(published, 1, 7) AS month, publisher, count(*) AS articles,
                 count(copy_of) AS copies FROM articles GROUP BY 1, 2 ORDER BY 1, 2"""
        return [Covered(**dict(row)) for row in self.rows(sql)]

    def records_by_rowid(self, rowids: Iterable[int]) -> dict[int, ArticleRecord]:
        """Records by row number; missing ones are left out."""
        sql = f"{_RECORD} WHERE articles.rowid IN (%s)"
        return {record.rowid: record for record in whole(self._in(sql, rowids), record_of)}

    def article(self, article_id: str) -> Article:
        """The whole article. Raises `NotFoundError` if there is none with this id.

        Raises `DamagedError` where it is not as it was added.
        """
        rows = self.rows(f"{_ARTICLE} WHERE articles.id = ?", article_id)
        if not rows:
            self.record(article_id)
        return article_of(rows[0])

    def articles(self, article_ids: Iterable[str]) -> dict[str, Article]:
        """The whole articles by id; missing and damaged ones are left out."""
        rows = [self.rows(f"{_ARTICLE} WHERE articles.id = ?", one) for one in article_ids]
        return {article.id: article for found in rows for article in whole(found, article_of)}

    def texts(self, article_ids: Iterable[str]) -> dict[str, CanonicalText]:
        """The texts of articles by id; missing and damaged ones are left out."""
        sql = "SELECT id, source, sha256, text FROM articles WHERE id = ?"
        rows = [self.rows(sql, one) for one in article_ids]
        return {text.id: text for found in rows for text in whole(found, text_of)}

    def corrections(self, article_id: str) -> dict[str, Any]:
        """What people corrected of the article with this id, by field, also of one in the trash.

        Damaged corrections are left out, and the log says so.
        """
        rows = self.rows("SELECT * FROM corrections WHERE id = ?", article_id)
        return next(iter(whole(rows, corrections_of_row)), {})

    def sources(self) -> list[tuple[str, str]]:
        """Id and source of each article, also of damaged ones."""
        return [(row[0], row[1]) for row in self.rows("SELECT id, source FROM articles")]

    def holding(self, quote: str) -> list[str]:
        """Ids of the articles whose text contains `quote`."""
        sql = "SELECT id FROM articles WHERE instr(text, ?) ORDER BY rowid"
        return [row[0] for row in self.rows(sql, quote)]

    def copy_of(self, rowid: int) -> int | None:
        """The row number of the original if this article is a copy, else None."""
        found = self._one("SELECT copy_of FROM articles WHERE rowid = ?", rowid)[0]
        return None if found is None else int(found)

    def distinct(self, column: str) -> list[str]:
        """The distinct values of `publisher`, `language`, `authors` or `tags`, sorted."""
        rows = self.rows(f"SELECT DISTINCT {column} FROM articles")
        if column in ("authors", "tags"):
            lists = whole(rows, lambda row: json.loads(row[0]))
            return sorted({value for values in lists for value in values if value})
        found = [row[0] for row in rows]
        return sorted({value for value in found if value})

    def hosts(self) -> list[str]:
        """The distinct hosts of the articles' addresses without `www.`, sorted."""
        sql = """SELECT DISTINCT substr(url, 1, 8 + instr(substr(url, 9) || '/', '/'))
                 FROM articles WHERE url IS NOT NULL"""
        return sorted({host for row in self.rows(sql) if (host := host_of(row[0]))})

    def allowed(self, chosen: Filter) -> tuple[list[int], list[int]]:
        """Row numbers of the articles that pass the filter, and of their passages."""
        where, values = chosen.where()
        articles = self.rows(f"SELECT rowid FROM articles WHERE {where}", *values)
        sql = f"""SELECT passages.rowid FROM passages JOIN articles
                  ON passages.article = articles.rowid WHERE searchable AND {where}"""
        return [row[0] for row in articles], [row[0] for row in self.rows(sql, *values)]

    def passages(self, rowids: Iterable[int]) -> dict[int, tuple[int, Passage]]:
        """(row number of the article, passage) by row number; missing ones are left out.

        Only `undamaged` compares them with their articles.
        """
        sql = """SELECT passages.*, articles.id AS article_id, articles.source, articles.sha256,
                 words AS checksum FROM passages
                 LEFT JOIN articles ON passages.article = articles.rowid
                 LEFT JOIN passage_checksums ON passage = passages.rowid
                 WHERE passages.rowid IN (%s)"""
        found = {}
        for row in self._in(sql, rowids):
            try:
                found[row["rowid"]] = row["article"], passage_of(row)
            except (DamagedError, *UNREADABLE):
                self._left_out(row["rowid"], "a passage of %s is damaged")
        return found

    def undamaged(self, found: Mapping[int, tuple[int, Passage]]) -> dict[int, tuple[int, Passage]]:
        """Those passages, by row number, that print what their article says there."""
        texts = self.texts({passage.article_id for _, passage in found.values()})
        good = {
            row: (article, passage)
            for row, (article, passage) in found.items()
            if (text := texts.get(passage.article_id))
            and text.text[passage.start : passage.end] == passage.text
        }
        for row, (_, passage) in found.items():
            # A damaged text was named when it was read.
            if row not in good and (passage.article_id in texts or not self._has(passage)):
                self._left_out(row, "a passage of %s is damaged")
        return good

    def _has(self, passage: Passage) -> bool:
        """Whether the article of a passage is found by its id."""
        return bool(self.rows("SELECT 1 FROM articles WHERE id = ?", passage.article_id))

    def passages_of(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order. Raises `NotFoundError` and `DamagedError`."""
        record = self.record(article_id)
        rows = self.passage_rowids(record.rowid)
        found = self.undamaged(self.passages(rows))
        if len(found) < len(rows):
            raise damaged({"id": record.id, "source": record.source})
        return [found[row][1] for row in rows]

    def passage(self, passage_id: str) -> Passage:
        """The passage with this id. Raises `NotFoundError` and `DamagedError`."""
        row = self.passage_rowid(passage_id)
        for _, passage in self.undamaged(self.passages([row])).values():
            if passage.id == passage_id:
                return passage
        sql = """SELECT articles.id, source FROM passages JOIN articles
                 ON passages.article = articles.rowid WHERE passages.rowid = ?"""
        raise damaged(self._one(sql, row))

    def passage_rowid(self, passage_id: str) -> int:
        """The row number of a passage. Raises `NotFoundError` if there is none with this id."""
        rows = self.rows("SELECT rowid FROM passages WHERE id = ?", passage_id)
        if not rows:
            raise NotFoundError(
                f"There is no passage {passage_id!r} in the library.",
                cure="Its article may have been removed or replaced; search again.",
            )
        return int(rows[0][0])

    def passage_rowids(self, article_rowid: int) -> list[int]:
        """Row numbers of the passages of an article, in order."""
        sql = "SELECT rowid FROM passages WHERE article = ? ORDER BY rowid"
        return [row[0] for row in self.rows(sql, article_rowid)]

    def copies(self, article_rowids: Iterable[int]) -> dict[int, list[ArticleRecord]]:
        """The syndicated copies of each article."""
        found: dict[int, list[ArticleRecord]] = {}
        sql = "SELECT rowid, copy_of FROM articles WHERE copy_of IN (%s) ORDER BY rowid"
        pairs = [(row["rowid"], row["copy_of"]) for row in self._in(sql, article_rowids)]
        records = self.records_by_rowid(copy for copy, _ in pairs)
        for copy, original in pairs:
            if copy in records:
                found.setdefault(original, []).append(records[copy])
        return found

    def encodings(self, rowids: Iterable[int]) -> dict[int, StoredEncoding]:
        """The stored encodings of passages, by row number; missing and damaged ones are left out.

        The log names those that are damaged.
        """
        return dict(self._encodings(rowids))

    def pooled(self, rowids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """(row number, pooled vector) of each of the passages; damaged ones are left out."""
        return ((row, encoding.pooled) for row, encoding in self._encodings(rowids))

    def _encodings(self, rowids: Iterable[int]) -> Iterator[tuple[int, StoredEncoding]]:
        sql = """SELECT passage, pooled, tokens, pieces, starts, vectors AS checksum
                 FROM vectors LEFT JOIN passage_checksums USING (passage) WHERE passage IN (%s)"""
        for row in self._in(sql, rowids):
            if checksum_of(row, VECTORS) == row["checksum"]:
                yield row["passage"], StoredEncoding(*(row[name] for name in VECTORS[1:]))
            else:
                self._left_out(row["passage"], "the vectors of a passage of %s are damaged")

    def report_missing(self, table: str, rowids: Iterable[int]) -> None:
        """Tell the log of passages that have no row in `passages` or `vectors`.

        Those whose row is damaged were named when it was read.
        """
        wanted = set(rowids)
        sql = f"SELECT rowid FROM {table} WHERE rowid IN (%s)"
        for rowid in sorted(wanted - {row[0] for row in self._in(sql, wanted)}):
            self._left_out(rowid, "a passage of %s is missing or damaged")

    def _left_out(self, rowid: int, what: str) -> None:
        """Tell the log what of a passage is left out, with the name of its article."""
        sql = """SELECT source FROM articles JOIN passages ON article = articles.rowid
                 WHERE passages.rowid = ?"""
        found = self.rows(sql, rowid)
        name = repr(found[0][0]) if found else "an unknown article"
        log.error("left out: %s. %s", what % name, REPAIR)

    def piece_counts(self, pieces: Iterable[int]) -> dict[int, int]:
        """The number of passages that contain each of the word pieces, where there are any.

        Damaged numbers are left out, and the log says so.
        """
        sql = "SELECT piece, passages, checksum FROM piece_counts WHERE piece IN (%s)"
        found = {}
        for row in self._in(sql, pieces):
            if checksum(row["piece"], row["passages"]) == row["checksum"]:
                found[row["piece"]] = row["passages"]
            else:
                log.error("left out: the count of a word piece is damaged. %s", REPAIR)
        return found

    def counted_pieces(self) -> Counter[int]:
        """The number of passages that contain each word piece, counted in the passages."""
        counts: Counter[int] = Counter()
        for [pieces] in self._connection.execute("SELECT pieces FROM vectors"):
            counts.update(set(array("I", pieces[: len(pieces) // 4 * 4])))
        return counts

    def added_since(self, generation: int) -> list[int]:
        """Row numbers of the passages that became searchable after that generation, sorted."""
        # Sorted here, because with ORDER BY SQLite scans the whole table in row order.
        sql = "SELECT rowid FROM passages WHERE generation > ? AND searchable"
        return sorted(row[0] for row in self.rows(sql, generation))

    def removed_since(self, generation: int) -> list[int]:
        """Row numbers of the passages that were removed after that generation.

        Complete for generations from `pruned` on.
        """
        rows = self.rows("SELECT passage FROM removed WHERE generation > ?", generation)
        return [row[0] for row in rows]

    def failures(self) -> list[Failure]:
        """The sources that could not be added, newest first."""
        return [
            Failure(**dict(row))
            for row in self.rows("SELECT * FROM failures ORDER BY failed DESC, source")
        ]

    def judgements(self, limit: int = -1, offset: int = 0) -> list[Judgement]:
        """Judgements, newest first; all of them without a limit."""
        sql = "SELECT * FROM judgements ORDER BY rowid DESC LIMIT ? OFFSET ?"
        return whole(self.rows(sql, limit, offset), judgement_of)

    def count_judgements(self) -> int:
        """The number of judgements."""
        return int(self._one("SELECT count(*) FROM judgements")[0])

    def signature(self, rowid: int) -> bytes:
        """The MinHash signature of an article."""
        return bytes(self._one("SELECT signature FROM articles WHERE rowid = ?", rowid)[0])

    def published(self, rowid: int) -> str | None:
        """When an article was published, as far as that is known."""
        found: str | None = self._one("SELECT published FROM articles WHERE rowid = ?", rowid)[0]
        return found

    def sharing_bands(self, rowid: int) -> Iterator[tuple[int, bytes, str | None, bool]]:
        """(row number, signature, published, whether it is a copy) of what may be a near copy."""
        sql = """SELECT DISTINCT theirs.article FROM bands AS mine
                 JOIN bands AS theirs ON theirs.band = mine.band AND theirs.article <> mine.article
                 WHERE mine.article = ?"""
        others = [row[0] for row in self.rows(sql, rowid)]
        sql = """SELECT rowid, signature, published, copy_of IS NOT NULL AS copy FROM articles
                 WHERE rowid IN (%s) ORDER BY rowid"""
        for row in self._in(sql, others):
            yield row["rowid"], row["signature"], row["published"], bool(row["copy"])

    def copies_of(self, rowid: int) -> list[int]:
        """The row numbers of the copies of an article."""
        rows = self.rows("SELECT rowid FROM articles WHERE copy_of = ? ORDER BY rowid", rowid)
        return [row[0] for row in rows]

    def linked(self) -> list[int]:
        """The row numbers of all copies and of their originals."""
        sql = "SELECT rowid, copy_of FROM articles WHERE copy_of IS NOT NULL"
        return sorted({row for pair in self.rows(sql) for row in pair})

    def article_in_row(self, rowid: int) -> Article | None:
        """The whole article in a row; None where it is damaged."""
        found = whole(self.rows(f"{_ARTICLE} WHERE articles.rowid = ?", rowid), article_of)
        return found[0] if found else None

    def article_rowid(self, source: str) -> int | None:
        """The row number of the article that was last added from `source`, or None."""
        rows = self.rows("SELECT rowid FROM articles WHERE source = ?", source)
        return int(rows[0][0]) if rows else None

    def content_sha256(self, source: str) -> str | None:
        """The content hash of the article that was last added from `source`, or None."""
        rows = self.rows("SELECT content_sha256 FROM articles WHERE source = ?", source)
        return rows[0][0] if rows else None
