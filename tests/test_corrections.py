"""Corrected metadata: kept apart from what the page says, and seen by all that use it."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import FINES, MakeLibrary, article_from
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Article, Metadata, Removal
from sourcebook.index.attention import REASONS, is_odd_name, reasons
from sourcebook.index.backup import backup, restore
from sourcebook.index.check import check
from sourcebook.index.corrections import changed, corrected
from sourcebook.index.errors import BusyError, DamagedError, InputError, UnreadableError
from sourcebook.index.ingest import content_sha256
from sourcebook.index.library import Library
from sourcebook.index.parsing.exported import as_line
from sourcebook.index.parsing.furniture import CUT_OFF, INCOMPLETE
from sourcebook.index.parsing.parse import parse
from sourcebook.index.storage.lock import write_lock
from sourcebook.index.storage.records import Filter
from sourcebook.index.upgrade import upgrade_library
from sourcebook.service.access.file import AccessFile
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.references import cited
from sourcebook.service.documents.verify import Match, verify
from sourcebook.service.http.app import create_app

PAGE = Metadata(
    title="Home | Gazette",
    authors=("Staff Writer",),
    publisher="Copyright 2014",
    published="1997",
    language="en",
    date_sources={"published": "text", "retrieved": "html"},
    retrieved="2025-10-01",
)
ARTICLE = article_from(FINES, "fines", PAGE)
RIGHT: dict[str, Any] = {
    "title": "Penalties for littering",
    "authors": ("Ada Berg", "Ministry of Water"),
    "publisher": "Gazette",
    "published": "2025-09",
    "modified": "2025-10-02",
    "url": "https://gazette.example/fines",
    "language": "es",
    "tags": ("waste", "rivers"),
}
# What a reader sees of the article after these corrections.
SEEN = replace(
    PAGE,
    **RIGHT,
    date_sources={"retrieved": "html", "published": "correction", "modified": "correction"},
)
NEWER = article_from(f"{FINES} The mayor agreed.", "fines", replace(PAGE, title="Fines - Gazette"))


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library([ARTICLE], coca="In Cauca, coca grew by 266 percent in four years.")


def found(library: Library, question: str) -> tuple[float, float]:
    """The dense and lexical score of the article's passage."""
    with library.view() as view:
        rows = view.passage_rowids(view.record(ARTICLE.id).rowid)
        candidates = view.search(question, dense_count=5, lexical_count=5)
    [one] = [one for one in candidates.items if one.row in rows]
    return one.dense, one.lexical


def test_corrections_are_seen_at_once_by_all_that_use_them(
    library: Library, make_library: MakeLibrary
) -> None:
    engine = Engine.of(library)
    before = engine.ask("Who doubled the fines?").quoted[0]
    dense, lexical = found(library, "littering")
    assert lexical == 0
    with library.view() as view:
        generation = view.generation
    done = library.correct(ARTICLE.id, RIGHT)
    assert (done.before.metadata, done.record.metadata) == (PAGE, SEEN)
    assert done.record.parsed["authors"] == ("Staff Writer",)
    assert done.record.rowid == done.before.rowid
    assert done.record.added == done.before.added
    with library.view() as view:
        assert view.generation == generation + 1
        assert view.article(ARTICLE.id).as_parsed == PAGE
        names = view.names()
        assert view.count(Filter(publishers=("gazette",), published_from="2025-06")) == 1
        assert view.count(Filter(as_of="2025-08", articles=(ARTICLE.id,))) == 0
    assert names.publishers == ("Gazette",)
    assert names.authors == ("Ada Berg", "Ministry of Water")
    assert names.hosts == ("gazette.example",)
    # As if the page had said so from the beginning: title and language are in both indexes.
    coca = article_from("In Cauca, coca grew by 266 percent in four years.", "coca")
    other = make_library([replace(ARTICLE, metadata=SEEN), coca])
    library.rebuild_indexes()  # tantivy counts what was deleted until it merges
    expected = found(other, "littering")
    assert found(library, "littering") == pytest.approx(expected, abs=0.002)  # int8, in batches
    assert expected[0] > dense + 0.02
    after = engine.ask("Who doubled the fines?").quoted[0]
    assert (after.exact, after.start, after.end) == (before.exact, before.start, before.end)
    assert after.article.sha256 == before.article.sha256 == ARTICLE.sha256
    assert after.reference.startswith("Ada Berg and Ministry of Water. (2025-09). “Penalties")
    bibtex = cited(library, ARTICLE.id, "bibtex").text
    assert "title = {Penalties for littering}" in bibtex.replace("{{", "{").replace("}}", "}")
    [verdict] = verify(library, ["double the fines for dumping"])
    assert (verdict.match, verdict.locations[0].title) == (Match.EXACT, "Penalties for littering")
    assert check(library) == []
    assert library.drift() == []


def test_what_is_taken_back_is_as_the_page_says(library: Library) -> None:
    library.correct(ARTICLE.id, RIGHT)
    half = library.correct(ARTICLE.id, {"title": None, "published": None, "publisher": ""})
    assert half.record.metadata == replace(
        SEEN,
        title=PAGE.title,
        published="1997",
        publisher="",
        date_sources={"retrieved": "html", "published": "text", "modified": "correction"},
    )
    library.correct(ARTICLE.id, {"url": "", "authors": ()})
    now = library.article(ARTICLE.id)
    assert (now.metadata.url, now.metadata.authors) == (None, ())
    assert library.correct(ARTICLE.id, dict.fromkeys(RIGHT)).record.metadata == PAGE
    assert library.article(ARTICLE.id) == ARTICLE
    with library.view() as view:
        assert view.rows("SELECT * FROM corrections") == []
        generation = view.generation
    library.correct(ARTICLE.id, {"title": None})  # it has none
    with library.view() as view:
        assert view.generation == generation


# --- what they survive ---------------------------------------------------------------------------


def again(library: Library, folder: Path) -> Path:
    assert [one.action for one in library.add([ARTICLE])] == ["unchanged"]
    return library.folder


def replaced(library: Library, folder: Path) -> Path:
    assert [one.action for one in library.add([NEWER])] == ["replaced"]
    assert library.article(ARTICLE.id).as_parsed == NEWER.metadata
    library.correct(ARTICLE.id, {"title": None})
    assert library.article(ARTICLE.id).metadata.title == "Fines - Gazette"
    library.correct(ARTICLE.id, {"title": RIGHT["title"]})
    library.add([ARTICLE])
    return library.folder


def out_of_the_trash(library: Library, folder: Path) -> Path:
    library.remove(ARTICLE.id)
    library.restore(ARTICLE.id)
    return library.folder


def removed_and_added(library: Library, folder: Path) -> Path:
    library.remove(ARTICLE.id)
    library.add([ARTICLE])
    return library.folder


def exported(library: Library, folder: Path) -> Path:
    line = as_line(library.article(ARTICLE.id), raw=True)
    [article] = parse(line, name="all.jsonl", source="all")
    with Library(folder, library.encoder, create=True) as other:
        other.add([ARTICLE])
        assert [one.action for one in other.add([article])] == ["replaced"]
        assert [one.action for one in other.add([article])] == ["unchanged"]
        # What this library's users say goes before what a file brings.
        other.correct(ARTICLE.id, {"title": "Mine"})
        other.add([replace(article, text=NEWER.text, blocks=NEWER.blocks)])
        other.add([article])
        assert other.article(ARTICLE.id).metadata == replace(SEEN, title="Mine")
        other.correct(ARTICLE.id, {"title": RIGHT["title"]})
    return folder


def from_a_backup(library: Library, folder: Path) -> Path:
    restore(backup(library.folder, folder / "b.db").file, folder / "library")
    return folder / "library"


def encoded_anew(library: Library, folder: Path) -> Path:
    """Corrected twice while an upgrade is under way: before its passages are staged, and after."""
    library.correct(ARTICLE.id, {"title": "Wrong"})
    steps: list[Callable[[], object]] = [
        lambda: library.correct(ARTICLE.id, {"title": RIGHT["title"]})
    ]

    def going(_: object) -> bool:
        if steps:
            steps.pop()()
        return True

    assert upgrade_library(library.folder, library.encoder, again=True, going=going)
    assert found(library, "littering")[1] > 0
    return library.folder


@pytest.mark.parametrize(
    "way",
    [again, replaced, out_of_the_trash, removed_and_added, exported, from_a_backup, encoded_anew],
)
def test_corrections_survive(
    library: Library, tmp_path: Path, way: Callable[[Library, Path], Path]
) -> None:
    library.correct(ARTICLE.id, RIGHT)
    (tmp_path / "new").mkdir()
    with Library(way(library, tmp_path / "new"), library.encoder) as now:
        assert now.article(ARTICLE.id) == replace(
            ARTICLE, metadata=SEEN, parsed=now.article(ARTICLE.id).parsed
        )
        assert now.article(ARTICLE.id).as_parsed == PAGE
        assert check(now) == []
        assert found(now, "littering")[1] > 0


@pytest.mark.parametrize("way", ["purge", "trash", "expire"])
def test_nothing_is_left_of_what_is_deleted(library: Library, way: str) -> None:
    library.correct(ARTICLE.id, {"title": "Sleeperword"})
    library.remove(ARTICLE.id, purge=way == "purge")
    if way == "trash":
        library.purge(ARTICLE.id)
    elif way == "expire":
        with library.store.write() as writer:
            writer.run("UPDATE trash SET removed = '2020-01-01T00:00:00Z'")
            writer.set_meta("trash_seen", "2021-01-01T00:00:00Z")
        library.add([article_from("Something else.", "other")])
    library.scrub()
    library.indexes.save()
    files = [one for one in library.folder.rglob("*") if one.is_file()]
    assert [one.name for one in files if b"Sleeperword" in one.read_bytes()] == []
    library.add([ARTICLE])
    assert library.article(ARTICLE.id) == ARTICLE


# --- at the same time ----------------------------------------------------------------------------


def test_what_is_replaced_meanwhile_is_not_corrected_unseen(library: Library) -> None:
    with ThreadPoolExecutor(1) as pool:
        with write_lock(library.folder):
            done = pool.submit(library.correct, ARTICLE.id, {"title": "Fines are doubled"})
            time.sleep(0.5)  # it reads the article, encodes, and waits for the lock
            with library.store.write() as writer:
                writer.next_generation()
                writer.remove(writer.record(ARTICLE.id).rowid)
                writer.add(NEWER, content_sha256(NEWER), [], b"\0" * 512, [])
        with pytest.raises(BusyError, match="was changed meanwhile"):
            done.result()
    assert library.article(ARTICLE.id) == NEWER


def test_what_is_corrected_while_it_is_added_again_stays_so(library: Library) -> None:
    for article, given, title, word in (
        (NEWER, "Littering", "Littering", "littering"),
        (ARTICLE, None, PAGE.title, "home"),  # taken back
    ):
        with ThreadPoolExecutor(1) as pool:
            with write_lock(library.folder):
                done = pool.submit(library.add, [article])
                time.sleep(0.5)  # it cuts, encodes, and waits for the lock
                with library.store.write() as writer:
                    writer.next_generation()
                    known = writer.article(ARTICLE.id)
                    row = writer.record(ARTICLE.id).rowid
                    writer.correct(row, changed(known, {"title": given}))
            done.result()
        now = library.article(ARTICLE.id)
        assert (now.text, now.metadata.title) == (article.text, title)
        assert now.as_parsed == article.metadata
        assert found(library, word)[1] > 0, "its passages were encoded with it"


# --- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE corrections SET parsed = replace(parsed, 'Home', 'Hope')",
        "UPDATE corrections SET corrected = replace(corrected, 'Penalties', 'Penalty')",
        "DELETE FROM corrections",
        "UPDATE attention SET reasons = 'no-title' WHERE article = 1",
    ],
)
def test_damage_is_named_and_adding_the_article_again_repairs_it(
    library: Library, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    library.correct(ARTICLE.id, {"title": "Penalties"})
    with library.store.write() as writer:
        writer.run(damage)
    with pytest.raises(DamagedError, match=r"fines\.txt"):
        library.article(ARTICLE.id)
    assert [ARTICLE.id in one.what for one in check(library)] == [True]
    library.add([ARTICLE])
    assert check(library) == []
    title = library.article(ARTICLE.id).metadata.title
    # Corrections that cannot be trusted are left out, and the log says so.
    assert title == ("Penalties" if "attention" in damage else PAGE.title)
    assert ("left out" in caplog.text) == ("UPDATE corrections" in damage)


@pytest.mark.parametrize(
    "change",
    [
        {"parsed": []},
        {"parsed": {"sha256": "x"}},
        {"parsed": {"title": 3}},
        {"parsed": {"published": "May"}},
        {"parsed": {"authors": "Ada"}},
        {"parsed": {"url": "x y"}},
        {"parsed": {"title": "x" * 2_001}},
        {"title": "x" * 2_001},
    ],
)
def test_an_export_with_other_corrections_than_were_written_is_refused(
    change: dict[str, object],
) -> None:
    line = json.loads(as_line(changed(ARTICLE, {"title": "Right"}), raw=True))
    data = json.dumps(line | change).encode()
    with pytest.raises(UnreadableError, match="is not an article as"):
        parse(data, name="all.jsonl", source="all")


def test_only_some_fields_can_be_corrected() -> None:
    for changes in ({"sha256": "0"}, {"retrieved": "2025"}, {"published": "May"}, {"url": "x"}):
        with pytest.raises(InputError):
            changed(ARTICLE, changes)
    forged = corrected(ARTICLE, {"title": "One\nline\x1b[2J", "tags": (" a ", "", "a")})
    assert (forged.metadata.title, forged.metadata.tags) == ("One line[2J", ("a",))


# --- over HTTP and from the shell ----------------------------------------------------------------


def test_metadata_are_corrected_over_http(library: Library) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))))
    address = f"/v1/articles/{ARTICLE.id}"
    body = {name: list(v) if isinstance(v, tuple) else v for name, v in RIGHT.items()}
    for media_type in ("application/json", "application/merge-patch+json"):
        headers = {"Content-Type": media_type}
        done = client.patch(address, content=json.dumps(body), headers=headers)
        assert done.status_code == 200, done.text
    shown = client.get(address).json()
    assert {name: shown[name] for name in body} == body
    assert shown["corrected"]["title"] == PAGE.title
    assert shown["corrected"]["url"] is None
    assert set(shown["corrected"]) == set(body)
    done = client.patch(address, json={"title": None, "authors": []}).json()
    assert done["before"] == {"title": RIGHT["title"], "authors": list(RIGHT["authors"])}
    assert (done["article"]["title"], done["article"]["authors"]) == (PAGE.title, [])
    assert done["generation"] == client.get("/v1/library").json()["generation"]
    found = AccessFile(library.folder, audit_days=400).entries(limit=1)[0]
    assert (found.subject, found.outcome) == (f"{address} title, authors", "200")
    assert found.what == "PATCH /v1/articles/{article_id}"


@pytest.mark.parametrize(
    ("content", "status", "locations"),
    [
        (
            '{"published": "2024-13", "url": "x", "language": "English", "authors": "A", "by": 1}',
            422,
            {"body.published", "body.url", "body.language", "body.authors", "body.by"},
        ),
        ('{"title": 3, "modified": "May"}', 422, {"body.title", "body.modified"}),
        ('{"authors": ["Ada", 3]}', 422, {"body.authors.1"}),
        ("[]", 422, {"body"}),
        ('{"title": ', 400, None),
        ('{"title": "\\ud800"}', 422, {"body.title"}),
    ],
)
def test_all_that_is_wrong_is_said_at_once(
    client: TestClient, content: str, status: int, locations: set[str] | None
) -> None:
    [article] = client.get("/v1/articles?limit=1").json()["articles"]
    headers = {"Content-Type": "application/merge-patch+json"}
    answered = client.patch(f"/v1/articles/{article['id']}", content=content, headers=headers)
    assert answered.status_code == status
    assert answered.headers["Content-Type"] == "application/problem+json"
    if locations:
        assert {one["location"] for one in answered.json()["errors"]} == locations
    assert client.get("/v1/articles?limit=1").json()["articles"] == [article]


def test_other_media_types_and_unknown_articles_are_refused(client: TestClient) -> None:
    there = client.get("/v1/articles?limit=1").json()["articles"][0]["id"]
    plain = {"Content-Type": "text/plain"}
    assert client.patch(f"/v1/articles/{there}", content="{}", headers=plain).status_code == 415
    assert client.patch("/v1/articles/0000", json={"title": "x"}).status_code == 404
    assert client.patch(f"/v1/articles/{there}?x=1", json={}).status_code == 422


def test_metadata_are_corrected_from_the_shell(library: Library) -> None:
    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["--library", str(library.folder), *words])
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.stderr

    attention = run("list", "--attention").splitlines()
    assert f"{ARTICLE.id}\tHome | Gazette\t{REASONS['odd-author'].message}" in attention[0]
    assert len(attention) == 3  # the other one has no date and no publisher
    with pytest.MonkeyPatch.context() as terminal:
        terminal.setenv("FORCE_COLOR", "1")
        assert "1 to 1 of 2; for more: --offset 1" in run("list", "--attention", "--limit", "1")
    edited = run("edit", ARTICLE.id, "--author", "Ada", "--author", "Bo", "--published", "2024-05")
    assert "published    1997 -> 2024-05" in edited
    assert "authors      Staff Writer -> Ada, Bo" in edited
    assert "the page says of published: 1997" in edited
    assert ARTICLE.id not in run("list", "--attention")
    run("edit", ARTICLE.id, "--clear", "authors", "--undo", "published")
    known = library.article(ARTICLE.id).metadata
    assert (known.authors, known.published) == ((), "1997")
    assert "corrected    authors; the page says: Staff Writer" in run("show", ARTICLE.id)
    assert "Nothing changed" in run("edit", ARTICLE.id, "--undo", "url")
    assert "nothing to correct" in run("edit", ARTICLE.id, code=2)
    assert "expected one of title, authors" in run("edit", ARTICLE.id, "--clear", "text", code=2)
    assert "changed twice" in run("edit", ARTICLE.id, "--url", "x", "--undo", "url", code=2)
    wrong = run("edit", ARTICLE.id, "--published", "2024-13", code=2)
    assert "there is no such day" in wrong or "expected a date" in wrong
    subjects = [one.subject for one in AccessFile(library.folder, audit_days=400).entries(limit=9)]
    assert f"{ARTICLE.id} authors published" in subjects
    assert f"{ARTICLE.id} authors, published" in subjects


# --- what needs attention ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        *((name, False) for name in ("Ada Berg", "bell hooks Institute", "AFP", "U.S. Department")),
        *((name, False) for name in ("Ministry of Health and Social Protection", "María O’Neil")),
        *((name, False) for name in ("Smith & Co.", "王小明", "Jean-Luc d'Arc", "Writers Guild")),
        *((name, True) for name in ("Staff Writer", "admin", "Redacción", "ada@x.org", "12 May")),
        *((name, True) for name in ("Monday", "Newsroom", "Reportero", "Anonymous")),
        *((name, True) for name in ("by ada berg", "—", "https://x.org/ada", "@ada", "x" * 90)),
    ],
)
def test_odd_names_are_told_from_others(name: str, odd: bool) -> None:
    assert is_odd_name(name) is odd


def removal(rule: str, text: str) -> Removal:
    return Removal(rule=rule, start=0, end=len(text), text=text)


CUT = {INCOMPLETE: CUT_OFF}
WHOLE = article_from(FINES, "whole", SEEN)


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        (WHOLE, ()),
        (replace(WHOLE, metadata=Metadata()), ("no-title", "no-date", "no-publisher")),
        (ARTICLE, ("odd-author",)),
        # Who says that there is none has looked at it.
        (changed(ARTICLE, {"authors": (), "title": "", "published": "", "publisher": ""}), ()),
        (replace(WHOLE, removals=(removal("extraction", 2 * FINES),)), ("shortened",)),
        (replace(WHOLE, removals=(removal("extraction", FINES[:20]),)), ()),
        (replace(WHOLE, removals=(removal("page numbers", 2 * FINES),)), ()),
        (replace(WHOLE, metadata=replace(WHOLE.metadata, extra=CUT)), ("cut-off",)),
        (replace(WHOLE, metadata=replace(WHOLE.metadata, extra={INCOMPLETE: False})), ()),
    ],
)
def test_reasons_to_look_at_an_article(article: Article, expected: tuple[str, ...]) -> None:
    assert reasons(article) == expected


def test_what_needs_attention_is_listed_until_it_is_corrected(library: Library) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))))
    listed = client.get("/v1/articles?attention=true").json()
    assert listed["total"] == 2
    named = {one["title"]: [r["reason"] for r in one["attention"]] for one in listed["articles"]}
    assert named == {PAGE.title: ["odd-author"], "coca": ["no-date", "no-publisher"]}
    assert all(r["cure"] and r["message"] for one in listed["articles"] for r in one["attention"])
    client.patch(f"/v1/articles/{ARTICLE.id}", json={"authors": ["Ada Berg"]})
    assert [
        one["title"] for one in client.get("/v1/articles?attention=true").json()["articles"]
    ] == ["coca"]
    client.patch(f"/v1/articles/{ARTICLE.id}", json={"authors": None})
    assert client.get("/v1/articles?attention=true").json()["total"] == 2
