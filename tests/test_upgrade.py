"""Upgrading a library to another encoder: nothing is lost, nobody waits, a crash costs little."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
from conftest import FINES, REPOSITORY, TRAINS, TRAINS_KNOWN, WHEAT, article_from
from fastapi.testclient import TestClient
from filelock import FileLock
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import DEFAULT_MODEL, shipped_models
from sourcebook.index.errors import BusyError, LibraryError, StorageError
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library
from sourcebook.index.opened import AtHand
from sourcebook.index.passages import CUTTING, cut
from sourcebook.index.storage.records import UpgradeProgress
from sourcebook.index.storage.store import Store
from sourcebook.index.upgrade import UPGRADE_LOCK, upgrade_library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.opening import open_library, own_encoder, upgrade_to

OLD, NEW = "all-MiniLM-L6-v2", "multilingual-e5-small"
QUESTION = "When will the night train to the coast reopen?"
# Another default encoder than this release has, as an earlier release may have had.
FORMER = next(each.name for each in shipped_models() if each.name != DEFAULT_MODEL)


@pytest.fixture(scope="module")
def old() -> Encoder:
    return Encoder(OLD)


@pytest.fixture(scope="module")
def new() -> Encoder:
    return Encoder(NEW)


@pytest.fixture(scope="module")
def at_hand(old: Encoder, new: Encoder) -> AtHand:
    return lambda fingerprint, _: {each.fingerprint: each for each in (old, new)}.get(fingerprint)


def articles() -> list[Article]:
    """A long one, one with all metadata, and a syndicated copy that has a paragraph of its own."""
    wheat = article_from("\n\n".join(WHEAT.split("\n\n")[:60]), "wheat")
    copy = article_from(f"{wheat.text}\n\nThe copy adds that the mill in Bern is shut.", "copy")
    return [wheat, article_from(TRAINS, "trains", TRAINS_KNOWN), copy, article_from(FINES, "fines")]


def many(count: int = 300) -> list[Article]:
    """So many articles of one short passage each."""
    texts = (f"Town {number} has {number * 3} bridges over its river." for number in range(count))
    return [article_from(text, f"town-{number}") for number, text in enumerate(texts)]


def made(folder: Path, encoder: Encoder, given: list[Article]) -> Path:
    with Library(folder, encoder, create=True) as library:
        library.add(given)
    return folder


def content(library: Library) -> dict[str, Article]:
    with library.view() as view:
        return {record.id: view.article(record.id) for record in view.records()}


def found(library: Library, question: str = QUESTION) -> set[str]:
    """The sources that a search finds; by both indexes."""
    with library.view() as view:
        result = view.search(question, dense_count=3, lexical_count=3)
        sourced = view.sourced([candidate.row for candidate in result.items])
        return {each.article.source for each in sourced.values()}


def table(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / DATABASE)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def assert_like_new(folder: Path, encoder: Encoder, fresh: Path) -> None:
    """The library is as if its articles had been added with this encoder to an empty one."""
    with Library(folder, encoder) as library, library.view() as view:
        assert library.drift() == []
        for record in view.records():
            rows = view.passage_rowids(record.rowid)
            passages = [passage for _, passage in view.passages(rows).values()]
            article = view.article(record.id)
            assert passages == cut(article, encoder.piece_offsets, encoder.passage_pieces)
        assert view.upgrade() is None
    made(fresh, encoder, list(content_of(folder, encoder).values()))
    for sql in (
        "SELECT id, searchable FROM passages ORDER BY id",
        "SELECT piece, passages FROM piece_counts ORDER BY piece",
        "SELECT id, pieces, starts FROM passages JOIN vectors ON passage = passages.rowid "
        "ORDER BY id",
        "SELECT type, tbl_name FROM sqlite_master ORDER BY type, tbl_name",
        "SELECT name FROM sqlite_master WHERE sql > '' ORDER BY name",
    ):
        assert table(folder, sql) == table(fresh, sql)
    pooled = "SELECT pooled FROM passages JOIN vectors ON passage = passages.rowid ORDER BY id"
    for (mine,), (theirs,) in zip(table(folder, pooled), table(fresh, pooled), strict=True):
        # Batches are padded otherwise, which moves int8 values a little.
        assert np.frombuffer(mine, "<f4") @ np.frombuffer(theirs, "<f4") > 0.99


def content_of(folder: Path, encoder: Encoder) -> dict[str, Article]:
    with Library(folder, encoder) as library:
        return content(library)


# --- what an upgrade does ------------------------------------------------------------------------


def test_texts_stay_and_passages_are_those_of_the_new_encoder(
    tmp_path: Path, old: Encoder, new: Encoder
) -> None:
    folder = made(tmp_path / "library", old, articles())
    before = content_of(folder, old)
    facts = "SELECT rowid, id, source, sha256, copy_of, added, generation FROM articles"
    known = table(folder, facts)
    done = upgrade_library(folder, new)
    assert done
    assert (done.articles, done.encoder) == (4, NEW)
    assert content_of(folder, new) == before
    assert table(folder, facts) == known
    assert_like_new(folder, new, tmp_path / "fresh")
    assert upgrade_library(folder, new) is None
    # The copy is the library as it was.
    assert done.copy == folder / f"sourcebook.before-{NEW}.db"
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(done.copy, restored / DATABASE)
    assert content_of(restored, old) == before


def test_there_and_back_keeps_each_copy(tmp_path: Path, old: Encoder, new: Encoder) -> None:
    folder = made(tmp_path / "library", old, articles())
    copies = [upgrade_library(folder, encoder) for encoder in (new, old, new)]
    assert [done.copy.name for done in copies if done] == [
        f"sourcebook.before-{NEW}.db",
        f"sourcebook.before-{OLD}.db",
        f"sourcebook.before-{NEW}-2.db",
    ]
    assert_like_new(folder, new, tmp_path / "fresh")
    with Library(folder, new):  # opening deletes the indexes of before
        assert len(list(folder.glob("indexes-*"))) == 1
        assert not (folder / "lexical").exists()


def test_it_tells_how_far_it_is_and_goes_on_there(
    tmp_path: Path, old: Encoder, new: Encoder
) -> None:
    folder = made(tmp_path / "library", old, many())
    seen: list[UpgradeProgress] = []

    def groups(count: int, at: UpgradeProgress) -> bool:
        seen.append(at)
        return len(seen) < count

    assert upgrade_library(folder, new, going=partial(groups, 1)) is None
    with Library(folder, old) as library:
        assert library.info()["upgrade"] == seen[0]
        assert (seen[0].encoder, seen[0].total) == (NEW, 300)
        assert 0 < seen[0].done < 300
        assert found(library, "How many bridges has town 7?")
    assert upgrade_library(folder, new, going=partial(groups, 9))
    assert [at.done for at in seen] == sorted({at.done for at in seen})
    assert seen[-1].done == 300
    assert len(list(folder.glob("*.before-*"))) == 1
    assert_like_new(folder, new, tmp_path / "fresh")


def test_another_encoder_begins_again(tmp_path: Path, old: Encoder, new: Encoder) -> None:
    folder = made(tmp_path / "library", old, many(200))
    assert upgrade_library(folder, new, going=lambda _: False) is None
    assert upgrade_library(folder, old, again=True)
    assert_like_new(folder, old, tmp_path / "fresh")


# --- while it is in use --------------------------------------------------------------------------


def test_what_changes_meanwhile_is_caught_up(
    tmp_path: Path, old: Encoder, new: Encoder, at_hand: AtHand
) -> None:
    folder = made(tmp_path / "library", old, many(200))
    with Library(folder, old, at_hand=at_hand) as library:
        ids = {article.source: name for name, article in content(library).items()}
        rounds = 0

        def change(_: UpgradeProgress) -> bool:
            nonlocal rounds
            if rounds == 0:  # town-0 is encoded already, town-199 is not
                library.remove(ids["town-0.txt"])
                library.remove(ids["town-199.txt"])
                replaced = [
                    article_from(f"{name} was flooded.", name) for name in ("town-1", "town-198")
                ]
                library.add([*replaced, article_from(TRAINS, "trains", TRAINS_KNOWN)])
            rounds += 1
            assert found(library) == found(library) | {"trains.txt"}
            return True

        assert upgrade_library(folder, new, going=change)
        assert rounds > 1
        after = {article.source: article.text for article in content(library).values()}
        assert len(after) == 199
        assert not {"town-0.txt", "town-199.txt"} & set(after)
        assert after["town-1.txt"] == "town-1 was flooded."
        assert "trains.txt" in found(library)
        assert library.encoder is new
    assert_like_new(folder, new, tmp_path / "fresh")


def test_an_addition_that_an_upgrade_overtakes(
    tmp_path: Path, old: Encoder, new: Encoder, at_hand: AtHand
) -> None:
    folder = made(tmp_path / "library", old, articles()[:1])
    with Library(folder, old, at_hand=at_hand) as library:

        def overtaken() -> Iterator[Article]:
            yield article_from(FINES, "fines")
            assert upgrade_library(folder, new)
            yield article_from(TRAINS, "trains", TRAINS_KNOWN)

        assert [one.action for one in library.adding(overtaken())] == ["added", "added"]
        assert "trains.txt" in found(library)
    assert_like_new(folder, new, tmp_path / "fresh")


def test_an_open_library_follows_and_its_views_stay(
    tmp_path: Path, old: Encoder, new: Encoder, at_hand: AtHand
) -> None:
    folder = made(tmp_path / "library", old, articles())
    with Library(folder, old, at_hand=at_hand) as library:
        answering = Answering(Engine.of(library))
        before = answering.ask(QUESTION)
        assert answering.engine.profile == old.profile
        with library.view() as view:
            rows = {candidate.row for candidate in _search(view)}
            assert upgrade_library(folder, new)
            after = answering.ask(QUESTION)
            # A question that began before the switch ends with what it began with.
            assert {candidate.row for candidate in _search(view)} == rows
            assert view.fingerprint == before.fingerprint
        assert after.fingerprint == library.fingerprint != before.fingerprint
        assert answering.find(QUESTION).fingerprint == after.fingerprint
        assert answering.engine.profile == new.profile
        assert after.status == before.status == "answered"


def test_a_writer_that_waits_at_the_switch_opens_nothing_under_the_lock(
    tmp_path: Path, old: Encoder, new: Encoder, at_hand: AtHand
) -> None:
    """Opening a torn index needs the lock itself, in the writer and in a reader beside it."""
    folder = made(tmp_path / "library", old, articles())
    with Library(folder, old, at_hand=at_hand) as library:
        fines = next(name for name, one in content(library).items() if one.source == "fines.txt")
        both = [
            Thread(target=work, daemon=True)
            for work in (lambda: library.remove(fines), lambda: found(library))
        ]
        with library._turn:  # as a thread that writes
            both[0].start()
            assert upgrade_library(folder, new)
            [checksums] = folder.glob("indexes-*/lexical/checksums.json")
            checksums.write_text("torn")
            both[1].start()
            time.sleep(0.1)
        for one in both:
            one.join(60)
        assert not [one for one in both if one.is_alive()]
        assert "trains.txt" in found(library)
        assert "fines.txt" not in found(library, FINES)
        assert library.drift() == []


def test_a_library_follows_an_upgrade_to_its_own_encoder(tmp_path: Path, old: Encoder) -> None:
    """As one that was opened with a model that was named, which looks for no other."""
    folder = made(tmp_path / "library", old, articles()[1:2])
    with Library(folder, old) as library:
        assert upgrade_library(folder, old, again=True)
        library.add([article_from(FINES, "fines")])
        assert "fines.txt" in found(library, FINES)
        assert library.drift() == []


def _search(view: Any) -> Any:
    return view.search(QUESTION, dense_count=3, lexical_count=3).items


def test_health_and_metrics_do_not_wait_for_the_new_encoder(
    tmp_path: Path, old: Encoder, new: Encoder
) -> None:
    folder = made(tmp_path / "library", old, articles()[1:2])
    loaded = Event()

    def slowly(fingerprint: str, _: str) -> Encoder | None:
        assert loaded.wait(60)
        return new

    with Library(folder, old, at_hand=slowly) as library:
        client = TestClient(create_app(Answering(Engine.of(library))))

        def checks() -> dict[str, str]:
            found = client.get("/readyz").json()["checks"]
            return {one["name"]: one["state"] + one["reason"] for one in found}

        assert upgrade_library(folder, new)
        opening = "warningThe new encoder is being opened."
        assert {checks()[name] for name in ("model", "indexes")} == {opening}
        assert 'sourcebook_check_ok{check="model"} 0.0' in client.get("/metrics").text
        assert library.encoder is old
        loaded.set()
        while checks()["model"] == opening:
            time.sleep(0.05)
        assert checks()["model"] == f"ok{NEW} is loaded."
        assert checks()["indexes"] == "ok"
        assert library.encoder is new  # though nobody has asked anything


def test_a_library_whose_new_encoder_is_not_at_hand_can_be_read(
    tmp_path: Path, old: Encoder, new: Encoder
) -> None:
    folder = made(tmp_path / "library", old, articles())
    looked: list[str] = []
    with Library(folder, old, at_hand=lambda *wanted: looked.append(wanted[1])) as library:
        before = content(library)
        assert upgrade_library(folder, new)
        assert content(library) == before
        with pytest.raises(LibraryError, match="made with the encoder"):
            found(library)
        with pytest.raises(LibraryError, match="made with the encoder"):
            library.rebuild_indexes()
        assert looked == [NEW]  # only once in a while, because a look may load a model


def test_one_upgrade_at_a_time(tmp_path: Path, old: Encoder, new: Encoder) -> None:
    folder = made(tmp_path / "library", old, articles()[:1])
    with FileLock(folder / UPGRADE_LOCK), pytest.raises(BusyError, match="is upgrading"):
        upgrade_library(folder, new)


def test_the_disk_has_room_before_it_begins(tmp_path: Path, old: Encoder, new: Encoder) -> None:
    folder = made(tmp_path / "library", old, articles()[:1])
    # A file with a hole is as long as it says, and takes no room.
    os.truncate(folder / DATABASE, shutil.disk_usage(folder).free)
    with pytest.raises(StorageError, match="the upgrade needs about"):
        upgrade_library(folder, new)
    assert not list(folder.glob("*.before-*"))
    with Library(folder, old) as library:
        assert library.info()["upgrade"] is None


# --- kill -9 -------------------------------------------------------------------------------------

UPGRADE = """
import sys
from pathlib import Path
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.upgrade import upgrade_library

def going(at):
    print(at.done, flush=True)
    return True

upgrade_library(Path(sys.argv[1]), Encoder(sys.argv[2]), going=going)
print("ended", flush=True)
"""


def killed_after(folder: Path, least: int, seconds: float) -> int:
    """Upgrade until so many passages are done and so many seconds more, then kill -9.

    Returns how many were done, or -1 where it ended before.
    """
    with subprocess.Popen(
        [sys.executable, "-c", UPGRADE, str(folder), NEW],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("ended"):
                return -1
            if int(line) >= least:
                break
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        return -1 if "ended" in rest else max(map(int, [line, *rest.split()]))


def test_killed_it_goes_on_where_it_was(tmp_path: Path, old: Encoder, new: Encoder) -> None:
    folder = made(tmp_path / "library", old, many(210))
    before = content_of(folder, old)
    done = 0
    # The last three die somewhere in the switch, or end it.
    for least, seconds in ((1, 0.0), (1, 0.2), (210, 0.0), (1, 0.05), (1, 0.1)):
        now = killed_after(folder, least, seconds)
        try:
            with Library(folder, old) as library:
                progress = library.info()["upgrade"]
                assert progress.done >= max(now, done)
                done = progress.done
                assert library.drift() == []
                assert content(library) == before
                assert found(library, "How many bridges has town 7?")
        except LibraryError:  # it had switched
            break
    upgrade_library(folder, new)
    assert content_of(folder, new) == before
    assert len(list(folder.glob("*.before-*"))) == 1
    assert_like_new(folder, new, tmp_path / "fresh")


# --- what users see ------------------------------------------------------------------------------


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a library that the default encoder of another release made."""
    for name in os.environ:
        if name.startswith("SOURCEBOOK_") and name != "SOURCEBOOK_MAX_WAIT_MS":
            monkeypatch.delenv(name)
    return made(tmp_path / "library", Encoder(FORMER), [*articles(), *many(150)])


def test_commands_work_with_its_own_encoder_and_say_how_to_upgrade(former: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["--library", str(former), *words])

    asked = run("ask", QUESTION)
    assert asked.exit_code == 0
    assert asked.stderr.splitlines() == [
        f"This library was made with {FORMER}. To bring it to {DEFAULT_MODEL}: "
        f"sourcebook --library {former} upgrade"
    ]
    # Who names the library's encoder wants it; who names another one is told what to do.
    assert run("--model", FORMER, "ask", QUESTION).stderr == ""
    refused = run("--model", DEFAULT_MODEL, "ask", QUESTION)
    assert refused.exit_code == 1
    assert f"sourcebook --model {DEFAULT_MODEL} upgrade" in refused.stderr
    # It can be interrupted; then both commands say how far it is.
    assert upgrade_library(former, Encoder(DEFAULT_MODEL), going=lambda _: False) is None
    begun = json.loads(run("info", "--json").stdout)["upgrade"]
    assert 0 < begun["done"] < begun["total"]
    assert f"{begun['done']:,} of {begun['total']:,} passages" in run("ask", QUESTION).stderr
    assert f"{begun['done']:,} of {begun['total']:,} passages" in run("info").stdout
    upgraded = run("upgrade")
    assert upgraded.exit_code == 0
    assert f"Encoded 154 articles with {DEFAULT_MODEL}" in upgraded.stdout
    asked = run("ask", QUESTION)
    assert (asked.exit_code, asked.stderr) == (0, "")


def test_a_library_of_an_unknown_encoder_can_be_upgraded(former: Path) -> None:
    store = Store(former / DATABASE)
    with store.write() as writer:
        writer.set_meta("encoder", "f00d")
        writer.set_meta("encoder_name", "gone/model")
    store.close()
    with pytest.raises(LibraryError, match="'gone/model', which is not at hand") as caught:
        open_library(former, "")
    assert f"sourcebook --library {former} upgrade" in caught.value.cure
    assert CliRunner().invoke(app, ["--library", str(former), "upgrade"]).exit_code == 0
    with open_library(former, "") as library:
        assert "trains.txt" in found(library)


def test_a_library_that_earlier_rules_cut_answers_and_is_cut_anew(
    tmp_path: Path, old: Encoder, new: Encoder
) -> None:
    """As made by an earlier release: with one passage where the rules make more, and no number."""
    folder = made(tmp_path / "library", new, articles())
    whole = Store(folder / DATABASE)
    with whole.write() as writer:
        writer.run("DELETE FROM meta WHERE key = 'cutting'")
        writer.run("DELETE FROM passages WHERE rowid = (SELECT max(rowid) - 1 FROM passages)")
    whole.close()

    def told() -> str:
        return CliRunner().invoke(app, ["--library", str(folder), "ask", QUESTION]).stderr

    with open_library(folder, "") as library:
        assert "trains.txt" in found(library)
        assert upgrade_to(library, "") == NEW
        assert upgrade_to(library, NEW) == NEW  # whoever names its encoder keeps that
    assert told().splitlines() == [
        "An earlier release cut the passages of this library by other rules. To cut them anew: "
        f"sourcebook --library {folder} upgrade"
    ]
    assert upgrade_library(folder, new, going=lambda _: False) is None
    assert "passages. To go on where it stopped" in told()
    with Library(folder, new) as library, library.view() as view:
        under_way = view.upgrade()
        assert under_way
        assert under_way.cutting == CUTTING
        assert "trains.txt" in found(library)
    assert upgrade_library(folder, new)
    assert told() == ""
    assert upgrade_library(folder, new) is None
    with Library(folder, new) as library:
        assert upgrade_to(library, "") is None
    assert_like_new(folder, new, tmp_path / "fresh")


def test_what_an_earlier_release_began_to_cut_is_begun_again(tmp_path: Path, new: Encoder) -> None:
    folder = made(tmp_path / "library", new, many(130))
    assert upgrade_library(folder, new, again=True, going=lambda _: False) is None
    store = Store(folder / DATABASE)
    with store.write() as writer:
        facts = json.loads(writer.meta("upgrade"))
        assert facts.pop("cutting") == CUTTING
        writer.set_meta("upgrade", json.dumps(facts))
        writer.run("DELETE FROM meta WHERE key = 'cutting'")
        assert 0 < writer.rows("SELECT count(*) FROM next_articles")[0][0] < 130
    store.close()
    seen: list[int] = []

    def going(at: UpgradeProgress) -> bool:
        seen.append(at.done)
        return True

    assert upgrade_library(folder, new, going=going)
    assert seen[0] <= 128
    assert_like_new(folder, new, tmp_path / "fresh")


def test_shipped_encoders_are_at_hand_by_fingerprint() -> None:
    for shipped in shipped_models():
        encoder = own_encoder(shipped.fingerprint, "whatever it was called")
        assert encoder
        assert encoder.fingerprint == shipped.fingerprint
    assert own_encoder("f00d", OLD) is None


def get(url: str) -> Any:
    with urlopen(url, timeout=60) as response:
        return json.load(response)


def test_a_server_answers_at_once_and_upgrades_in_the_background(former: Path) -> None:
    command = "from sourcebook.eval.cli.app import main; main()"
    made(former, Encoder(FORMER), many(200))
    process = subprocess.Popen(
        [sys.executable, "-c", command, "--library", str(former), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "SOURCEBOOK_PROCESSES": "2"},
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        address = re.search(r"http://\S+:\d+", line)
        assert address, line
        ask = f"{address[0]}/v1/ask?q={quote(QUESTION)}"
        with ThreadPoolExecutor(6) as pool:
            first = [get(ask)]
            end = time.monotonic() + 300
            progress = []
            while get(f"{address[0]}/v1/library")["encoder"] != DEFAULT_MODEL:
                assert time.monotonic() < end
                progress.append(get(f"{address[0]}/readyz").get("upgrade"))
                time.sleep(0.1)  # leave the processor to the upgrade
                first += pool.map(get, [ask] * 2)
            last = list(pool.map(get, [ask] * 12))
        fingerprint = get(f"{address[0]}/v1/library")["fingerprint"]
    finally:
        process.terminate()
        _, errors = process.communicate()
    assert {one["status"] for one in first + last} == {"answered"}
    assert {one["fingerprint"] for one in last} == {fingerprint}
    assert first[0]["fingerprint"] != fingerprint
    assert any(step and step["encoder"] == DEFAULT_MODEL for step in progress)
    assert f"This library was made with {FORMER}." in errors
    assert "Traceback" not in errors
    assert list(former.glob(f"sourcebook.before-{DEFAULT_MODEL}.db"))
