"""Backup and restore: one whole file, made online; put back, or refused before anything changes."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from attacks import restore_drills
from conftest import FINES, TRAINS, TRAINS_KNOWN, article_from
from fastapi.testclient import TestClient
from filelock import FileLock
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Article
from sourcebook.index.backup import backup, restore
from sourcebook.index.check import check
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import (
    BusyError,
    InputError,
    LibraryError,
    NotFoundError,
    SourcebookError,
    StorageError,
)
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library
from sourcebook.index.storage.lock import LOCK
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app

ARTICLES = (article_from(FINES, "fines"), article_from(TRAINS, "trains", TRAINS_KNOWN))
LATER = article_from("The bridge over the river is shut until May.", "bridge")
QUESTION = "Who doubled the fines for waste in the river?"


@pytest.fixture(scope="module")
def made(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library of two articles; tests must not change it."""
    folder = tmp_path_factory.mktemp("made") / "library"
    with Library(folder, encoder, create=True) as library:
        library.add(ARTICLES)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "library")
    return tmp_path / "library"


@pytest.fixture(scope="module")
def saved(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it; tests must not change it."""
    return backup(made, tmp_path_factory.mktemp("saved") / "b.db").file


def content(folder: Path, encoder: Encoder) -> dict[str, Article]:
    """All articles of a library in which nothing is damaged."""
    with Library(folder, encoder) as library:
        assert check(library) == []
        with library.view() as view:
            return {source: view.article(one) for one, source in view.sources()}


def sources(*articles: Article) -> dict[str, Article]:
    return {article.source: article for article in articles}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_backup_of_an_open_library_is_one_whole_file(
    folder: Path, encoder: Encoder, tmp_path: Path
) -> None:
    file = tmp_path / "kept" / "b.db"
    file.parent.mkdir()
    with Library(folder, encoder) as library:
        library.add([LATER])
        found = backup(folder, file)
        [*_] = library.add([article_from("Too late.", "late")])
        with library.view() as view:
            assert (found.uuid, found.fingerprint) == (view.meta("uuid"), library.fingerprint)
            assert found.generation == view.generation - 1
    assert found.articles == 3
    assert (found.file, found.bytes) == (file, file.stat().st_size)
    assert names(file.parent) == {"b.db"}
    os.chmod(file, 0o444)
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    done = restore(file, tmp_path / "new" / "place")
    assert done.kept is None
    assert names(file.parent) == {"b.db"}
    assert content(tmp_path / "new" / "place", encoder) == sources(*ARTICLES, LATER)


def test_over_a_library_the_one_before_is_kept(
    folder: Path, saved: Path, encoder: Encoder, tmp_path: Path
) -> None:
    with Library(folder, encoder) as library:
        library.remove(ARTICLES[0].id)
        library.add([LATER])
    with pytest.raises(InputError, match="already"):
        restore(saved, folder)
    done = restore(saved, folder, force=True)
    assert done.kept is not None
    assert done.kept.parent == folder
    with Library(folder, encoder) as library:
        found = Engine.of(library).find(QUESTION).hits[0]
        assert found.citation.article.source == "fines.txt"
        assert library.drift() == []
    assert content(folder, encoder) == sources(*ARTICLES)
    restore(done.kept, tmp_path / "before")
    assert content(tmp_path / "before", encoder) == sources(ARTICLES[1], LATER)


def test_the_log_of_another_database_is_not_taken_for_the_new_ones(
    folder: Path, saved: Path, encoder: Encoder
) -> None:
    """A library that was killed leaves its log; the log of a damaged one cannot be put away."""
    child = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute(\"UPDATE articles SET title = 'killed'\"); c.commit(); os.kill(os.getpid(), 9)"
    )
    for damaged in (False, True):
        subprocess.run([sys.executable, "-c", child, str(folder / DATABASE)], check=False)
        assert (folder / f"{DATABASE}-wal").stat().st_size > 0
        if damaged:
            with (folder / DATABASE).open("r+b") as stream:
                stream.write(b"x" * 100)
        done = restore(saved, folder, force=True)
        assert names(folder) & {f"{DATABASE}-wal", f"{DATABASE}-shm"} == set()
        assert content(folder, encoder) == sources(*ARTICLES)
        assert done.kept is not None
        log = done.kept.with_name(f"{done.kept.name}-wal")
        assert log.exists() == damaged
        if not damaged:
            with closing(sqlite3.connect(done.kept)) as connection:
                titles = connection.execute("SELECT DISTINCT title FROM articles").fetchall()
            assert titles == [("killed",)]


def changed(place: str) -> Callable[[bytes], bytes]:
    def change(whole: bytes) -> bytes:
        at = whole.index(place.encode())
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    return change


def versioned(number: int) -> Callable[[bytes], bytes]:
    return lambda whole: whole[:60] + number.to_bytes(4, "big") + whole[64:]


# name: (what happens to the file, what is said of it)
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "is not a backup"),
    "a text": (lambda _: b"To be or not to be. " * 20, "is not a backup"),
    "another program's": (lambda whole: whole[:68] + b"abcd" + whole[72:], "is not a backup"),
    "newer": (versioned(99), "version 99; this Sourcebook reads"),
    "older": (versioned(1), "version 1; this Sourcebook reads"),
    "cut short": (lambda whole: whole[:-1], "is cut short"),
    "cut to a page": (lambda whole: whole[:16_384], "is cut short"),
    "false words": (changed("double the fines"), "is damaged: The article"),
    "false original": (changed("forty crowns"), "is damaged: The article"),
    "overwritten": (lambda whole: whole[:20_000] + b"z" * (len(whole) - 20_000), "is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_refused_before_anything_changes(
    damage: str, made: Path, saved: Path, tmp_path: Path
) -> None:
    change, said = DAMAGE[damage]
    file = tmp_path / "damaged.db"
    file.write_bytes(change(saved.read_bytes()))
    before = {each: each.read_bytes() for each in made.rglob("*") if each.is_file()}
    for folder in (made, tmp_path / "new" / "place"):
        with pytest.raises(LibraryError) as error:
            restore(file, folder, force=True)
        assert said in error.value.message
        assert error.value.cure
    assert not (tmp_path / "new").exists()
    assert before == {each: each.read_bytes() for each in made.rglob("*") if each.is_file()}


def test_a_damaged_library_is_not_backed_up(folder: Path, saved: Path, tmp_path: Path) -> None:
    """A good backup is never replaced by a damaged one."""
    database = folder / DATABASE
    database.write_bytes(changed("double the fines")(database.read_bytes()))
    file = tmp_path / "b.db"
    shutil.copy(saved, file)
    with pytest.raises(LibraryError, match=r"fines\.txt"):
        backup(folder, file, force=True)
    assert file.read_bytes() == saved.read_bytes()
    assert names(tmp_path) == {"library", "b.db"}


def test_while_another_process_has_it_open(saved: Path, folder: Path, tmp_path: Path) -> None:
    """As a server that waits for questions, or a worker, does; and as one that writes."""
    child = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT count(*) FROM articles').fetchone(); print('open', flush=True);"
        "sys.stdin.read()"
    )
    before = (folder / DATABASE).read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", child, str(folder / DATABASE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        with pytest.raises(BusyError, match="is open in another process"):
            restore(saved, folder, force=True)
        assert backup(folder, tmp_path / "b.db").articles == 2
        process.communicate()
    assert (folder / DATABASE).read_bytes() == before
    with FileLock(folder / LOCK), pytest.raises(BusyError, match="is writing"):
        restore(saved, folder, force=True)
    assert not [name for name in names(folder) if "restore" in name or name.endswith(".part")]


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        (".", InputError, "is a folder"),
        ("none/b.db", InputError, "no folder"),
        ("library/b.db", InputError, "own folder"),
        ("library/sourcebook.db", InputError, "own folder"),
        ("link/b.db", InputError, "own folder"),
        ("there.db", InputError, "is there already"),
        ("pipe", InputError, "is there already"),
        ("dangling", InputError, "is there already"),
        ("n" * 300, StorageError, "cannot be read or written"),
    ],
)
def test_a_name_that_cannot_be_used(
    folder: Path, tmp_path: Path, name: str, wrong: type[SourcebookError], said: str
) -> None:
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "there.db").write_text("precious")
    os.mkfifo(tmp_path / "pipe")
    before = names(tmp_path)
    for force in (False, True):
        if force and name == "there.db":
            continue
        with pytest.raises(wrong, match=said):
            backup(folder, tmp_path / name, force=force)
    assert names(tmp_path) == before
    assert (tmp_path / "there.db").read_text() == "precious"


ODD = st.binary(min_size=1, max_size=40).filter(lambda name: not {0, 47} & set(name))


@given(name=ODD)
@example(name=b":memory:")
@example(name=b"file:a?mode=ro#x%20")
@example(name=b"-rf \n")
@hypothesis_settings(max_examples=10, deadline=None)
def test_a_file_of_any_name(made: Path, saved: Path, name: bytes) -> None:
    if name in (b".", b".."):
        return
    folder = saved.parent / "odd"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = folder / os.fsdecode(name)
    backup(made, file)
    restore(file, folder / f"l{os.fsdecode(name)}")
    assert len(names(folder)) == 2
    shutil.rmtree(folder)


def test_what_cannot_be_restored(folder: Path, saved: Path, tmp_path: Path) -> None:
    for name in ("none.db", "."):
        with pytest.raises(NotFoundError):
            restore(tmp_path / name, folder, force=True)
    with pytest.raises(InputError, match="is the library itself"):
        restore(folder / DATABASE, folder, force=True)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        restore(saved, tmp_path / "file" / "library")
    with pytest.raises(NotFoundError):
        backup(tmp_path / "nothing", tmp_path / "b.db")


@pytest.fixture
def no_room(folder: Path, saved: Path) -> Iterator[tuple[Path, Path]]:
    """A library and a backup while no file can grow beyond 200 kB, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    yield folder, saved
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_changes_nothing(no_room: tuple[Path, Path], tmp_path: Path) -> None:
    folder, saved = no_room
    before = names(folder)
    with pytest.raises(StorageError):
        backup(folder, tmp_path / "b.db")
    with pytest.raises(StorageError):
        restore(saved, folder, force=True)
    with pytest.raises(StorageError):
        restore(saved, tmp_path / "new")
    assert names(tmp_path) == {"library"}
    assert names(folder) == before


def test_a_folder_without_permission(folder: Path, saved: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write to any folder, whatever its permissions")
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    with pytest.raises(StorageError):
        backup(folder, shut / "b.db")
    with pytest.raises(StorageError):
        restore(saved, shut / "library")


def test_a_server_notices_that_its_folder_was_exchanged(
    folder: Path, saved: Path, encoder: Encoder, tmp_path: Path
) -> None:
    with Library(folder, encoder) as library:
        app = create_app(Answering(Engine.of(library)))
        client = TestClient(app, raise_server_exceptions=False)
        assert library.replaced() is None

        def refused(said: str) -> None:
            assert said in str(library.replaced())
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["type"]) == (503, "/problems/not-ready")
            assert said in ready.text
            for path in ("/v1/ask?q=fines", "/v1/articles"):
                response = client.get(path)
                problem = response.json()
                assert (response.status_code, problem["type"]) == (503, "/problems/library"), path
                assert said in problem["detail"]
                assert "start it again" in problem["cure"]
            with pytest.raises(LibraryError, match="while it was open"):
                library.add([LATER])
            assert client.get("/livez").status_code == 200

        folder.rename(tmp_path / "moved")
        refused("was deleted or moved")
        restore(saved, folder)
        refused("was replaced")
        shutil.rmtree(folder)
        (tmp_path / "moved").rename(folder)
        assert client.get("/readyz").json()["status"] == "ready"
        (folder / f"{DATABASE}-wal").rename(tmp_path / "log")
        refused(f"{DATABASE}-wal was deleted or moved")
        (tmp_path / "log").rename(folder / f"{DATABASE}-wal")
        assert client.get("/v1/ask", params={"q": QUESTION}).status_code == 200


def test_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    def run(*words: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["--library", str(folder), *map(str, words)])
        assert result.exit_code == code, result.output
        return result.output

    file = tmp_path / "b.db"
    assert f"{file} holds 2 articles in " in run("backup", file)
    assert "--force" in run("backup", file, code=2)
    facts = json.loads(run("backup", file, "--force", "--json"))
    assert (facts["articles"], facts["generation"], len(facts["uuid"])) == (2, 1, 32)
    assert "--force" in run("restore", file, code=2)
    done = json.loads(run("restore", file, "--force", "--json"))
    assert done["backup"]["fingerprint"] == facts["fingerprint"]
    assert Path(done["kept"]).exists()
    file.write_bytes(file.read_bytes()[:5_000])
    assert "is cut short" in run("restore", file, "--force", code=1)


def test_a_drill(tmp_path: Path) -> None:
    outcome = restore_drills.attack(2, tmp_path)
    assert (outcome.tried, outcome.faults) == (2, ())
