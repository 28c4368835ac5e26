"""Libraries of earlier releases: brought up to date in one step, with a copy kept."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import MakeLibrary, before_checksums

from sourcebook.index.check import check
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import LibraryError, StorageError
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.index.storage.row_checksums import checksum
from sourcebook.index.storage.schema import SCHEMA_VERSION
from sourcebook.index.storage.store import Store
from sourcebook.service.asking.engine import Engine

COPY = "sourcebook.before-schema-6.db"
QUESTION = "By how much did coca grow in Cauca?"


@pytest.fixture
def older(make_library: MakeLibrary) -> Path:
    """The folder of a library of version 5."""
    library = make_library(
        coca="In the province of Cauca, coca grew by 266 percent in four years.",
        again="In the province of Cauca, coca grew by 266 percent in four years.",
    )
    library.close()
    before_checksums(library.folder)
    return library.folder


def test_a_checksum_is_the_same_in_every_python() -> None:
    """Which characters `repr` prints depends on the Unicode tables of the running Python."""
    assert checksum("Él \U0001fa77", 2, None, 0.5, b"\0\xff") == 786_832_102


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_a_copy_is_kept_and_checksums_are_filled(older: Path, encoder: Encoder) -> None:
    before = dump(older / DATABASE)
    (older / DATABASE).chmod(0o640)
    for _ in range(2):
        with Library(older, encoder) as library:
            assert check(library) == []
            [cited] = Engine.of(library).ask(QUESTION).quoted
            assert "266 percent" in cited.exact
            with library.view() as view:
                [one, other] = view.records(Filter(attention=True))
            assert one.attention == other.attention == ("no-date", "no-publisher")
            assert library.correct(one.id, {"published": "2025"}).record.attention[0] != "no-date"
            assert library.correct(one.id, {"published": None}).record == one
    assert version(older / DATABASE) == SCHEMA_VERSION
    # Once only, and what was there before.
    assert [file.name for file in older.glob("*before*")] == [COPY]
    assert version(older / COPY) == 5
    assert (older / COPY).stat().st_mode & 0o777 == 0o640
    assert dump(older / COPY) == before


def test_damage_after_the_migration_is_noticed(older: Path, encoder: Encoder) -> None:
    Library(older, encoder).close()
    with closing(sqlite3.connect(older / DATABASE)) as connection:
        connection.execute("UPDATE vectors SET tokens = CAST(x'ff' || substr(tokens, 2) AS BLOB)")
        connection.commit()
    with Library(older, encoder) as library:
        assert {one.cure for one in check(library)} == {"Repair it: sourcebook check --repair"}
        assert check(library, repair=True) == []


def test_without_a_copy_nothing_is_changed(older: Path) -> None:
    (older / COPY).with_suffix(".part").mkdir()
    with pytest.raises(StorageError, match="brought up to date once") as error:
        Store(older / DATABASE)
    assert "can be written" in error.value.cure
    assert version(older / DATABASE) == 5
    assert not (older / COPY).exists()


def test_an_upgrade_under_way_begins_again(older: Path) -> None:
    with closing(sqlite3.connect(older / DATABASE)) as connection:
        connection.execute("CREATE TABLE next_articles (article INTEGER)")
        connection.execute("CREATE TABLE next_passages (article INTEGER)")
        connection.execute("INSERT INTO meta VALUES ('upgrade', '{}')")
        connection.commit()
    store = Store(older / DATABASE)
    with store.view() as view:
        assert view.upgrade() is None
        assert view.rows("SELECT name FROM sqlite_master WHERE name LIKE 'next%'") == []
    store.close()


def test_a_damaged_schema_is_refused(older: Path) -> None:
    Store(older / DATABASE).close()
    with closing(sqlite3.connect(older / DATABASE)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'published', 'publishes') "
            "WHERE name = 'articles'"
        )
        connection.commit()
    with pytest.raises(LibraryError, match="damaged") as error:
        Store(older / DATABASE)
    assert "backup" in error.value.cure
