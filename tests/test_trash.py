"""The trash: nothing searches or quotes what is in it, and it can be brought back for 30 days."""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import TRAINS, TRAINS_KNOWN, MakeLibrary, article_from
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import article_id
from sourcebook.index.check import check
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import DamagedError, InputError, NotFoundError
from sourcebook.index.folder import DATABASE
from sourcebook.index.ingest import content_sha256
from sourcebook.index.library import Library
from sourcebook.index.storage import trash
from sourcebook.index.storage.lock import write_lock
from sourcebook.index.storage.row_checksums import TRASH, checksum_of
from sourcebook.index.storage.store import Store
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.judgements import judge, judgements
from sourcebook.service.documents.verify import Match, verify
from sourcebook.service.http.app import create_app
from sourcebook.service.notation.asking_requests import JudgementRequest, QuoteSpan

GONE = article_id("trains.txt")
QUESTION = "When will the night train reopen?"
# A word that stands in no other article, and in nothing that is kept of one.
WORD = "sleeper"


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library(
        [article_from(TRAINS, "trains", TRAINS_KNOWN)],
        coca="In the province of Cauca, coca grew by 266 percent in four years.",
    )


def judged(library: Library) -> None:
    """Two judgements: one quotes the article about trains alone, the other both articles."""
    spans = [(GONE, TRAINS.index("Tickets"), TRAINS.index("cost")), (article_id("coca.txt"), 0, 20)]
    quotes = [QuoteSpan(article_id=one, start=start, end=end) for one, start, end in spans]
    for count in (1, 2):
        wanted = JudgementRequest(
            question=QUESTION, verdict="right", quotes=quotes[:count], note=""
        )
        judge(library, wanted)


def words_in(folder: Path) -> set[str]:
    """The files that hold the word of the article, as bytes."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.name for file in files if WORD.encode() in file.read_bytes()}


def aged(library: Library, removed: str) -> None:
    """Make what is in the trash look as if it had been removed then."""
    with library.store.write() as writer:
        for row in writer.rows("SELECT * FROM trash"):
            assert row["removed"] > removed
            found = checksum_of(dict(row) | {"removed": removed}, TRASH)
            sql = "UPDATE trash SET removed = ?, record = ? WHERE id = ?"
            writer.run(sql, removed, found, row["id"])


def test_what_is_removed_comes_back_as_it_was(library: Library) -> None:
    engine = Engine.of(library)
    before, article = engine.ask(QUESTION), library.article(GONE)
    assert before.citations
    library.remove(GONE)
    assert engine.ask(QUESTION).quoted != before.quoted
    [verdict] = verify(library, ["Tickets for the sleeper"])
    assert verdict.match is Match.NOT_FOUND
    with library.view() as view:
        assert view.counts()["articles"] == 1
        assert view.distinct("publisher") == []
    [one] = library.trashed()
    assert (one.id, one.title, one.characters) == (GONE, "Night train returns", len(TRAINS))
    assert one.until > one.removed
    assert library.restore(GONE).metadata == TRAINS_KNOWN
    assert library.article(GONE) == article
    assert engine.ask(QUESTION).quoted[0].exact == before.quoted[0].exact
    assert library.trashed() == []
    assert check(library) == []
    with pytest.raises(NotFoundError, match="in the trash"):
        library.restore(GONE)


def test_an_article_that_was_added_again_is_not_overwritten(library: Library) -> None:
    library.remove(GONE)
    library.add([article_from("The train was cancelled.", "trains")])
    with pytest.raises(InputError, match=r"from 'trains\.txt' again; expected none"):
        library.restore(GONE)
    assert library.article(GONE).text == "The train was cancelled."
    # A replaced version is not trash, and the trash keeps what was removed last.
    assert [one.title for one in library.trashed()] == ["Night train returns"]
    library.remove(GONE)
    assert [one.title for one in library.trashed()] == ["trains"]


def test_what_is_added_while_an_article_is_brought_back_is_not_overwritten(
    library: Library,
) -> None:
    library.remove(GONE)
    newer = article_from("The train was cancelled.", "trains")
    with ThreadPoolExecutor(1) as pool:
        with write_lock(library.folder):
            restored = pool.submit(library.restore, GONE)
            time.sleep(0.5)  # it looks at the trash, encodes, and waits for the lock
            with library.store.write() as writer:
                writer.next_generation()
                writer.add(newer, content_sha256(newer), [], b"\0" * 512, [])
        with pytest.raises(InputError, match="again; expected none"):
            restored.result()
    assert library.article(GONE) == newer
    assert [one.title for one in library.trashed()] == ["Night train returns"]


def test_what_is_purged_is_in_no_file_and_no_judgement(library: Library) -> None:
    judged(library)
    assert words_in(library.folder)
    library.remove(GONE)
    library.add([article_from(f"The {WORD} was cancelled.", "trains")])
    library.remove(GONE, purge=True)
    library.scrub()
    assert library.trashed() == []
    library.indexes.save()
    assert words_in(library.folder) == set()
    [kept] = judgements(library)
    assert [quote.source for quote in kept.quotes] == ["coca.txt"]
    assert check(library) == []
    with pytest.raises(NotFoundError):
        library.purge(GONE)


@pytest.mark.parametrize("by", ["opening", "writing"])
def test_after_thirty_days_it_is_deleted(library: Library, encoder: Encoder, by: str) -> None:
    library.remove(GONE)
    library.add([article_from("Something else.", "other")])
    assert library.trashed()
    aged(library, "2020-01-31T00:00:00Z")
    with library.store.write() as writer:  # it has been due for two days
        trash.expire(writer, datetime.now(UTC) - timedelta(days=2))
        assert trash.ids(writer) == [GONE]
    if by == "opening":
        with closing(sqlite3.connect(library.folder / DATABASE)) as other:
            other.execute("BEGIN IMMEDIATE")  # as the last step of an upgrade does, for minutes
            begun = time.monotonic()
            with Library(library.folder, encoder) as opened:
                assert [one.id for one in opened.trashed()] == [GONE]
            assert time.monotonic() - begun < 15
        with Library(library.folder, encoder):
            pass
    else:
        library.add([article_from("Something new.", "new")])
    with library.view() as view:
        assert view.rows("SELECT * FROM trash") == []


def test_a_clock_that_leaps_ahead_and_back_empties_no_trash(library: Library) -> None:
    library.remove(GONE)
    now = datetime.now(UTC)
    leaps = [timedelta(days=one) for one in (4_000, 4_000.9, 0, 4_001, 0.5, 5_000, 5_000.9, 1)]
    for leap in leaps:
        with library.store.write() as writer:
            trash.expire(writer, now + leap)
        assert [one.id for one in library.trashed()] == [GONE], leap
    for days in (31, 32.1):
        with library.store.write() as writer:
            trash.expire(writer, now + timedelta(days=days))
    assert library.trashed() == []


def test_a_damaged_article_in_the_trash_is_named(library: Library) -> None:
    library.remove(GONE)
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        connection.execute("UPDATE trash SET published = '2015-09-19'")
        connection.commit()
    with pytest.raises(DamagedError, match=r"trains\.txt"):
        library.restore(GONE)
    [damage] = check(library)
    assert "In the trash" in damage.what
    assert library.trashed() == []
    library.purge(GONE)
    assert check(library) == []


def test_damage_to_what_the_trash_does_not_list_is_found(library: Library) -> None:
    library.remove(GONE)
    with closing(sqlite3.connect(library.folder / DATABASE)) as connection:
        connection.execute("UPDATE trash SET raw = x'00'")
        connection.commit()
    assert [one.id for one in library.trashed()] == [GONE]
    with pytest.raises(DamagedError, match=r"trains\.txt"):
        library.restore(GONE)
    [damage] = check(library)
    assert "In the trash" in damage.what


def test_a_damaged_record_of_the_trash_keeps_nobody_from_writing(library: Library) -> None:
    library.remove(GONE)
    aged(library, "2020-01-31T00:00:00Z")
    library.add([article_from("Something else.", "other")])
    with library.store.write() as writer:
        assert writer.meta(trash.SEEN)
        writer.run("UPDATE meta SET value = 'soon' WHERE key = ?", trash.SEEN)
    assert [one.what for one in check(library)] == [
        "The library's record of its trash seen is missing or damaged."
    ]
    library.add([article_from("Something new.", "new")])
    assert [one.id for one in library.trashed()] == [GONE]
    assert check(library) == []


def test_over_http(library: Library) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))))
    assert client.get("/v1/trash").json() == {"trash": []}
    assert client.delete(f"/v1/articles/{GONE}").status_code == 200
    [one] = client.get("/v1/trash").json()["trash"]
    assert (one["id"], one["source"]) == (GONE, "trains.txt")
    assert client.get(f"/v1/articles/{GONE}").status_code == 404
    restored = client.post(f"/v1/trash/{GONE}/restore")
    assert restored.json()["restored"][0]["published"] == "2025-09-19"
    assert client.delete(f"/v1/trash/{GONE}").status_code == 404
    assert client.delete(f"/v1/articles/{GONE}").status_code == 200
    assert client.delete(f"/v1/trash/{GONE}").json() == {"purged": [GONE]}
    coca = article_id("coca.txt")
    assert client.delete(f"/v1/articles/{coca}", params={"purge": "perhaps"}).status_code == 422
    assert client.delete(f"/v1/articles/{coca}", params={"purge": True}).status_code == 200
    assert client.get("/v1/trash").json() == {"trash": []}


def test_on_the_command_line(library: Library) -> None:
    library.close()

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["--library", str(library.folder), *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert run("trash", "list") == "The trash is empty.\n"
    run("remove", GONE)
    assert GONE in run("trash", "list")
    assert json.loads(run("trash", "list", "--json"))["trash"][0]["title"] == "Night train returns"
    assert run("trash", "restore", GONE) == f"restored  {GONE}  Night train returns\n"
    run("remove", GONE)
    assert run("trash", "empty") == f"deleted   {GONE}\n"
    run("remove", article_id("coca.txt"), "--purge")
    assert run("trash", "empty") == "The trash was empty.\n"
    assert run("list") == ""


def test_a_purge_waits_for_nobody(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody who reads keeps the log from being emptied: that is said, and the rest is done."""
    store = Store(library.folder / DATABASE)
    with store.view() as view:
        assert view.generation
        library.remove(GONE, purge=True)
        library.store.empty_log()
    store.close()
    assert "holds deleted words until nobody reads" in caplog.text
    assert library.trashed() == []
