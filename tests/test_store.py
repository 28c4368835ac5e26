"""The database: one consistent view, all or nothing, and errors that say what is wrong."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import article_from

from sourcebook.index.article import Article, Block, BlockKind, Metadata, Removal
from sourcebook.index.encoding.encoder import Encoding
from sourcebook.index.errors import BusyError, LibraryError, NotFoundError, StorageError
from sourcebook.index.passages import Passage, cut
from sourcebook.index.storage.copies import copy_database
from sourcebook.index.storage.schema import APPLICATION_ID, SCHEMA_VERSION
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.writer import now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "s.db", create=True)
    yield made
    made.close()


def words(text: str) -> list[tuple[int, int]]:
    """One piece a word, for passages without an encoder."""
    ends = np.cumsum([len(word) + 1 for word in text.split()])
    return [(int(end) - 1, int(end)) for end in ends]


def encoding(pieces: list[int]) -> Encoding:
    return Encoding(
        pooled=np.full(3, 0.5, np.float32),
        tokens=np.arange(2 * len(pieces), dtype=np.uint8).reshape(-1, 2),
        pieces=np.array(pieces, np.uint32),
        starts=np.arange(len(pieces), dtype=np.uint32),
    )


def put(store: Store, article: Article, pieces: list[int]) -> tuple[int, list[Passage]]:
    passages = cut(article, words, 100)
    with store.write() as writer:
        writer.next_generation()
        encoded = [(passage, encoding(pieces)) for passage in passages]
        row = writer.add(article, "hash", encoded, b"\0" * 512, [1, 2])
        writer.link(row, None)
    return row, passages


def test_what_goes_in_comes_out(store: Store) -> None:
    article = Article(
        source="s",
        text="Title\n\nÉl dijo “no” 👩🏽‍🌾.",
        blocks=(Block(BlockKind.HEADING, 0, 5), Block(BlockKind.PARAGRAPH, 7, 25)),
        metadata=Metadata(
            title="T",
            authors=("Ana", "Bo"),
            published="2024-05",
            url="https://e.org/a",
            tags=("x",),
            date_sources={"published": "text"},
            extra={"words": 7, "deep": {"é": [1, None]}},
        ),
        raw=b"\xff\x00raw",
        removals=(Removal(rule="share lines", start=3, end=5, text="é…"),),
    )
    row, passages = put(store, article, [5, 5, 9])
    with store.view() as view:
        assert view.article(article.id) == article
        assert view.articles([article.id, "nowhere"]) == {article.id: article}
        [found] = view.passage_rowids(row)
        assert view.passages([found, 99]) == {found: (row, passages[0])}
        assert passages[0].headings == ("Title",)
        kept = view.encodings([found])[found]
        assert np.frombuffer(kept.pooled, "<f4").tolist() == [0.5] * 3
        assert np.frombuffer(kept.pieces, "<u4").tolist() == [5, 5, 9]
        assert view.piece_counts([5, 9, 7]) == {5: 1, 9: 1}
        assert view.holding("dijo “no” 👩🏽‍🌾") == [article.id]
        assert view.holding('dijo "no"') == []
        record = view.record(article.id)
        assert (record.characters, record.passages, record.generation) == (len(article.text), 1, 1)
        assert record.added <= now()
        assert view.passage_rowid(passages[0].id) == found


def test_removing_leaves_a_note_and_nothing_else(store: Store) -> None:
    article = article_from("Coca grows.\n\nCassava too.", "a")
    row, passages = put(store, article, [5, 9])
    with store.write() as writer:
        rows = writer.passage_rowids(row)
        writer.next_generation()
        assert writer.remove(row) == []
    with store.view() as view:
        assert (view.removed_since(1), view.removed_since(2)) == (rows, [])
        assert view.added_since(0) == []
        assert view.encodings(rows) == {}
        assert view.counts() == {"articles": 0, "copies": 0, "passages": 0, "failures": 0}
        assert view.piece_counts([5, 9]) == {}
        with pytest.raises(NotFoundError, match="no passage"):
            view.passage_rowid(passages[0].id)
    again, _ = put(store, article, [5])
    with store.view() as view:
        # Row numbers are never used twice: an index that is behind could take one for the other.
        assert again > row
        assert min(view.passage_rowids(again)) > max(rows)


def test_a_view_does_not_change(store: Store) -> None:
    article = article_from("Coca grows.", "a")
    put(store, article, [1])
    with store.view() as view:
        assert view.generation == 1
        writing = threading.Thread(target=put, args=(store, article_from("Two.", "b"), [2]))
        writing.start()
        writing.join()
        assert (view.generation, view.counts()["articles"]) == (1, 1)
    with store.view() as view:
        assert (view.generation, view.counts()["articles"]) == (2, 2)


def test_an_error_undoes_the_whole_transaction(store: Store) -> None:
    first = article_from("Coca grows.", "a")
    put(store, first, [1])

    def remove_it_and_another() -> None:
        with store.write() as writer:
            writer.next_generation()
            writer.remove(writer.record(first.id).rowid)
            writer.record("nowhere")

    with pytest.raises(NotFoundError):
        remove_it_and_another()
    with store.view() as view:
        assert (view.generation, view.counts()["articles"], view.removed_since(0)) == (1, 1, [])


def test_what_is_covered_is_counted_in_an_index(store: Store) -> None:
    put(store, replace(article_from("Coca grows.", "a"), metadata=Metadata(published="2025")), [1])
    asked: list[str] = []
    with store.view() as view:
        view._connection.set_trace_callback(asked.append)
        assert [row.month for row in view.coverage()] == ["2025"]
        view._connection.set_trace_callback(None)
        [plan] = [
            str(tuple(row)) for row in view._connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}")
            if "SCAN" in str(tuple(row))
        ]  # fmt: skip
    assert "USING COVERING INDEX articles_coverage" in plan


def test_lists_of_any_length(store: Store) -> None:
    put(store, article_from("Coca grows.", "a"), [1])
    with store.view() as view:
        assert list(view.passages(range(70_000))) == [1]
        assert view.piece_counts(range(70_000)) == {1: 1}


def test_an_article_needs_a_source_of_its_own(store: Store) -> None:
    put(store, article_from("Coca grows.", "a"), [1])
    with pytest.raises(LibraryError, match="UNIQUE"):
        put(store, article_from("Another.", "a"), [1])


def test_a_writer_that_waits_too_long_is_told_so(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="writing"), store.write(wait=0.05):
        pass
    other.close()
    put(store, article_from("Coca grows.", "a"), [1])


def test_files_that_are_no_library(tmp_path: Path) -> None:
    Store(tmp_path / "ours.db", create=True).close()
    with sqlite3.connect(tmp_path / "theirs.db") as other:
        other.execute("CREATE TABLE meta (key, value)")
    other.close()
    (tmp_path / "noise.db").write_bytes(b"no database at all, but long enough to be one" * 40)
    for name, message in (("theirs.db", "not one of Sourcebook's"), ("noise.db", "damaged or no")):
        with pytest.raises(LibraryError, match=message) as caught:
            Store(tmp_path / name)
        assert caught.value.cure
    before = {file.name for file in tmp_path.iterdir()}
    with pytest.raises(LibraryError, match=r"noise\.db is damaged"):
        copy_database(tmp_path / "noise.db", "copy")
    assert {file.name for file in tmp_path.iterdir()} == before
    with pytest.raises(StorageError, match="none"):
        Store(tmp_path / "none" / "s.db")
    kept = Store(tmp_path / "ours.db")
    with kept.view() as view, pytest.raises(LibraryError, match="no"):
        view.meta("nothing")
    kept.close()


def test_the_database_says_what_it_is(store: Store, tmp_path: Path) -> None:
    put(store, replace(article_from("Coca grows.", "a")), [1])
    with store._connection() as connection:
        facts = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "application_id", "user_version", "journal_mode", "foreign_keys", "synchronous"
            )
        }  # fmt: skip
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert list(facts.values()) == [APPLICATION_ID, SCHEMA_VERSION, "wal", 1, 2]
